import { beforeEach, expect, test } from "vitest";
import { HiveError } from "../wire/error.ts";
import { operations, takesIn, type OperationName } from "../wire/operations.ts";
import { openDispatch, type Call } from "./dispatch.ts";
import type { CallerContext } from "./handlers/types.ts";
import { MESSAGE_BYTES } from "./retention.ts";

const OPERATOR: CallerContext = {
  kind: "operator",
  operator: { name: "operator", role: "admin" },
  ended: new AbortController().signal,
};
const AGENT = { kind: "agent", agent: { id: "a1" } } as CallerContext;
let isLow: boolean;
let isStored: boolean;
let stored: [agent: string, bytes: number][];
let call: Call;

beforeEach(() => {
  isLow = false;
  isStored = false;
  stored = [];
  const answer = (done: (output: object) => void): void => done({ sent: [] });
  call = openDispatch({
    context: {
      operators: { permit: () => {} },
      passkeys: { permit: () => {} },
      secrets: { withoutValues: (_agent: object, said: object) => said },
      broker: { sending: () => answer, stored: () => (isStored ? {} : undefined) },
      swarm: { all: () => ["scout", "scribe", "critic"].map((name) => ({ name })) },
      questions: { ask: () => Promise.reject(new Error("ENOSPC")) },
    } as never,
    disk: {
      get low() {
        return isLow;
      },
      explain: (error: Error) => new HiveError("disk_full", `the disk is full (${error.message})`),
    },
    retention: { added: async (agent: string, bytes: number) => void stored.push([agent, bytes]) },
    metrics: { called: () => {} },
    onUnexpected: (error) => expect.unreachable(String(error)),
  });
});

/** The output of a call, or its refusal. */
function ask(name: OperationName, input: object, caller: CallerContext): Promise<object> {
  return new Promise((done, failed) => {
    const answer = call(name, input as never, caller);
    if (typeof answer === "function") answer(done, failed);
  });
}

test.each(Object.keys(operations).filter((name) => takesIn(name as OperationName)))(
  "%s is refused while the disk is nearly full",
  (name) => {
    isLow = true;
    expect(() => call(name as OperationName, {} as never, OPERATOR)).toThrow("the disk is nearly full");
  },
);

test("an operation that adds no data runs while the disk is nearly full", async () => {
  isLow = true;
  expect(await ask("list", {}, OPERATOR)).toEqual({ agents: ["scout", "scribe", "critic"] });
});

test("a repeated send of a stored message is answered while the disk is nearly full", async () => {
  isLow = true;
  isStored = true;
  expect(await ask("send", { to: "scout", body: "x" }, AGENT)).toEqual({ sent: [] });
});

test("an agent's stored bytes are counted, and a message to all agents counts once for each recipient", async () => {
  await ask("send", { to: "scout", body: "hello" }, AGENT);
  await ask("send", { to: "*", body: "hello" }, AGENT);
  await ask("send", { to: "*", body: "hello" }, OPERATOR);
  expect(stored).toEqual([
    ["a1", MESSAGE_BYTES + 5],
    ["a1", 3 * (MESSAGE_BYTES + 5)],
  ]);
});

test("a failure on a full disk says so", async () => {
  await expect(ask("ask_operator", { question: "why?" }, AGENT)).rejects.toThrow("the disk is full (ENOSPC)");
});
