import { expect, test } from "vitest";
import { HiveError } from "../../wire/error.ts";
import { each, lifecycleHandlers } from "./lifecycle.ts";
import type { HandlerContext } from "./types.ts";

test("a failure with one agent of a scope does not affect the results of the others", async () => {
  const unexpected: unknown[] = [];
  const context = {
    swarm: {
      byName(name: string) {
        if (name === "ghost") throw new HiveError("not_found", "there is no agent ghost");
        return { name };
      },
    },
    onUnexpected: (error: unknown) => void unexpected.push(error),
  } as unknown as HandlerContext;
  const operator = {
    kind: "operator",
    operator: { name: "operator", role: "admin" },
    ended: new AbortController().signal,
  } as const;
  const { results } = await each(context, ["ada", "ghost", "bob", "cyd"], operator, async ({ name }) => {
    if (name === "ada") throw new TypeError("a defect");
    if (name === "bob") throw new HiveError("disk_full", "the disk is full");
  });
  expect(results).toEqual([
    { name: "ada", ok: false, error: expect.stringContaining("inside the daemon") },
    { name: "ghost", ok: false, error: "there is no agent ghost" },
    { name: "bob", ok: false, error: "the disk is full" },
    { name: "cyd", ok: true },
  ]);
  expect(unexpected).toMatchObject([{ message: "a defect" }]);
});

test("destroying an agent closes its questions and ends its work after it is destroyed", async () => {
  const did: string[] = [];
  const context = {
    commands: {
      destroyable: () => ({ id: "id-ada" }),
      destroy: async () => void did.push("destroyed"),
    },
    questions: { closeOf: async (agent: string) => void did.push(`closed questions of ${agent}`) },
    deploys: { decisions: { clearFor: async () => {} }, marksChanged: async () => {} },
    work: { agentRemoved: async ({ id }: { id: string }) => void did.push(`ended the work of ${id}`) },
  } as unknown as HandlerContext;
  const operator = {
    kind: "operator",
    operator: { name: "operator", role: "admin" },
    ended: new AbortController().signal,
  } as const;
  await lifecycleHandlers.destroy(context, { name: "ada", purge: false }, operator);
  expect(did).toEqual(["destroyed", "closed questions of id-ada", "ended the work of id-ada"]);
});
