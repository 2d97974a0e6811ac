import { readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { REAL_CLI, TestHive, commandLine } from "../lib/hive.ts";

/** A generation is confirmed when the CLI has started with its config. */

let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive(REAL_CLI).play([{ when: { text: "." }, steps: [{ say: "Heard." }] }]).start();
  await hive.call("spawn", { name: "ada" });
});
afterAll(() => hive.dispose());

async function deploy(config: object): Promise<{ state: string; error: string | undefined }> {
  await hive.untilAgent("ada", (agent) => agent.deploying === undefined);
  const base64 = Buffer.from(JSON.stringify(config)).toString("base64");
  const { request: id } = await hive.call("propose", { agent: "ada", files: [{ path: "agent.json", mode: "100644", base64 }] });
  await hive.call("approve", { id });
  const events = await hive.watch(
    (event) => event.kind === "approval" && event.approval.id === id && ["deployed", "failed"].includes(event.approval.state),
    { after: 0, kinds: ["approval"] },
  );
  const last = events.at(-1);
  if (last?.kind !== "approval") throw new Error("unreachable");
  return { state: last.approval.state, error: last.approval.error };
}

test("a deployed generation has its CLI running, and no request was made to a model", async () => {
  const cage = await hive.cage("ada");
  expect(cage.all().some((pid) => commandLine(pid).includes("/opt/hive/bin/claude"))).toBe(true);
  expect(await hive.untilAgent("ada", () => true)).toMatchObject({ tokens_today: 0 });
});

test("a config whose CLI does not start fails its deploy with the reason; the previous generation stays", async () => {
  const { model } = await hive.untilAgent("ada", (agent) => agent.deploying === undefined);
  const runtime = join(hive.stateDir, "runtime");
  const claude = join(runtime, readdirSync(runtime)[0] ?? "", "bin", "claude");
  renameSync(claude, `${claude}.away`);
  const failed = await deploy({ model: "opus" });
  renameSync(`${claude}.away`, claude);
  expect(failed.state).toBe("failed");
  expect(failed.error).toContain("the new generation cannot run: Claude Code cannot be started (ENOENT)");
  expect(await hive.untilAgent("ada", (agent) => agent.deploying === undefined)).toMatchObject({ model, running: true });
});

test("a tool server that does not connect is a warning on the row, until a deploy fixes it", async () => {
  expect(await deploy({ extraMcpServers: { broken: { command: "/nowhere/at/all" } } })).toMatchObject({ state: "deployed" });
  const warned = await hive.untilAgent("ada", (agent) => agent.warnings.length > 0);
  expect(warned.warnings).toEqual([expect.stringMatching(/^the tool server broken has not connected: .*ENOENT/)]);
  await hive.call("send", { to: "ada", body: "hello" });
  await hive.untilMessage((message) => message.to === "ada" && message.state === "done");
  expect((await hive.untilAgent("ada", (agent) => agent.state === "idle")).warnings).toEqual(warned.warnings);
  expect(await deploy({})).toMatchObject({ state: "deployed" });
  await hive.untilAgent("ada", (agent) => agent.warnings.length === 0);
});
