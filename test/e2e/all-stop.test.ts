import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { TestHive } from "../lib/hive.ts";

/** One command stops everything, and another starts exactly what ran before. */

let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive()
    .play([
      { agents: ["ada"], when: { text: "^hang" }, steps: [{ hang: { times: 1 }, say: "done" }] },
      {
        agents: ["ada"],
        when: { text: "^hello" },
        steps: [{ tools: [{ name: "send", input: { to: "operator", body: "here" } }] }, { say: "done" }],
      },
    ])
    .start();
  await hive.call("spawn", { name: "ada" });
  await hive.call("spawn", { name: "bob" });
});
beforeEach(async () => {
  if ((await hive.call("state", { messages: 0 })).state.hive.all_stopped) await hive.call("start_what_ran", {});
  await hive.call("stop", { scope: { agent_names: ["bob"] }, graceful: false });
  await hive.untilAgent("ada", (agent) => agent.state === "idle");
});
afterAll(() => hive.dispose());

const running = async (): Promise<string[]> =>
  (await hive.call("state", { messages: 0 })).state.agents
    .filter((agent) => agent.state !== "offline")
    .map((agent) => agent.name);

test("stops all agents, survives a crash of the daemon, and starts exactly those that ran", async () => {
  const stopped = await hive.call("stop_all", { graceful: false });
  expect(stopped.results).toEqual([
    { name: "hm1nd", ok: true },
    { name: "ada", ok: true },
  ]);
  expect(await running()).toEqual([]);
  await hive.call("send", { to: "ada", body: "hello" });
  await hive.crash();
  await hive.start();
  expect(await running()).toEqual([]);
  const { hive: view } = (await hive.call("state", { messages: 0 })).state;
  expect(view.all_stopped?.agents).toEqual(["hm1nd", "ada"]);
  for (const refused of [hive.call("rebuild", { name: "ada" }), hive.call("spawn", { name: "eve" })])
    await expect(refused).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("stop all is in effect") });
  await hive.call("start_what_ran", {});
  await hive.untilMessage((message) => message.from === "ada" && message.body === "here");
  expect((await running()).sort()).toEqual(["ada", "hm1nd"]);
  expect((await hive.call("state", { messages: 0 })).state.hive.all_stopped).toBeUndefined();
  await expect(hive.call("start_what_ran", {})).rejects.toMatchObject({ code: "conflict" });
});

test("aborts a deploy that is not in the ledger; an agent that is started manually leaves the list", async () => {
  await hive.call("send", { to: "ada", body: "hang" });
  await hive.untilAgent("ada", (agent) => agent.state === "thinking");
  const { request } = await hive.call("rebuild", { name: "ada" });
  await hive.watch((event) => event.kind === "approval" && event.approval.id === request && event.approval.state === "waiting", {
    after: 0,
    kinds: ["approval"],
  });
  await hive.call("stop_all", { graceful: false });
  const ended = await hive.watch(
    (event) => event.kind === "approval" && event.approval.id === request && event.approval.state === "failed",
    { after: 0, kinds: ["approval"] },
  );
  expect(JSON.stringify(ended.at(-1))).toContain("everything was stopped before the deploy was done");
  expect(await running()).toEqual([]);
  await hive.call("start", { scope: { agent_names: ["ada"] } });
  expect((await hive.call("state", { messages: 0 })).state.hive.all_stopped?.agents).toEqual(["hm1nd"]);
  // Stopped again, it is on the list again.
  await hive.call("stop_all", { graceful: false });
  expect((await hive.call("state", { messages: 0 })).state.hive.all_stopped?.agents).toEqual(["hm1nd", "ada"]);
});
