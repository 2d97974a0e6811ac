import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectLines } from "../../src/rpc/client.ts";
import { OLDEST_PROTOCOL, PROTOCOL } from "../../src/wire/harness.ts";
import { TestHive } from "../lib/hive.ts";
import { spawnStopped } from "../lib/stand-in.ts";

const ANSWER = [
  {
    when: { text: "." },
    steps: [{ tools: [{ name: "send", input: { to: "operator", body: "heard {{body}}" } }] }, { say: "done" }],
  },
];
const hives: TestHive[] = [];
function another(): TestHive {
  const made = new TestHive().play(ANSWER);
  hives.push(made);
  return made;
}
/** Expects that a daemon does not start, and why. It has made no cage. */
async function refused(rival: TestHive, words: RegExp): Promise<void> {
  await expect(rival.start()).rejects.toThrow(words);
  rmSync(rival.folder, { recursive: true, force: true });
}
/** The hive that was there first. */
let hive: TestHive;
beforeAll(async () => {
  hive = await another().start();
});
afterAll(async () => {
  await Promise.all(hives.map((one) => one.dispose()));
});

describe("several hives on one host", () => {
  test("two with the same agents are independent of each other", async () => {
    const [one, two] = [await another().start(), hive];
    await Promise.all([one, two].map((each) => each.call("spawn", { name: "ada" })));
    await Promise.all([one.call("send", { to: "ada", body: "first" }), two.call("send", { to: "ada", body: "second" })]);
    await Promise.all([
      one.untilMessage((message) => message.body === "heard first"),
      two.untilMessage((message) => message.body === "heard second"),
    ]);
    expect(one.home).not.toBe(two.home);
    const ids = await Promise.all([one, two].map(async (each) => (await each.call("state", {})).state.hive.id));
    expect(ids[0]).not.toBe(ids[1]);
    // Stopping one does not affect the other.
    await one.stop();
    await two.call("send", { to: "ada", body: "still there" });
    await two.untilMessage((message) => message.body === "heard still there");
  });

  test("a second daemon on the same folder is refused with what to do, and the first continues", async () => {
    await refused(new TestHive({ HIVE_STATE_DIR: hive.stateDir }), /another hive-c0re runs on this state folder/);
    await hive.call("send", { to: "hm1nd", body: "hi" });
    await hive.untilMessage((message) => message.body === "heard hi");
  });

  test("a taken port and a path that is too long are refused with what to do", async () => {
    await refused(new TestHive({ HIVE_PORT: new URL(hive.home).port }), /port \d+ is taken/);
    const deep = new TestHive();
    deep.env["HIVE_STATE_DIR"] = join(deep.folder, "x".repeat(90));
    await refused(deep, /set HIVE_RUN_DIR to a shorter folder/);
  });
});

describe("the protocol between harness and daemon", () => {
  const hello = { revision: "r", generation: 1, instance: "instance-1" };

  test("a newer and a far older harness are refused in words, the previous version is served", async () => {
    await spawnStopped(hive, "old");
    const client = await connectLines(hive.agentSocket("old"));
    await expect(client.call("hello", { ...hello, protocol: PROTOCOL + 1 })).rejects.toThrow(
      /newer than the daemon's .*update the daemon/,
    );
    await expect(client.call("hello", { ...hello, protocol: OLDEST_PROTOCOL - 1 })).rejects.toThrow(
      /restart the agent to replace it/,
    );
    // No verb of a harness works without its hello.
    for (const verb of ["next", "finish", "publish", "delta", "report", "confirm"] as const) {
      await expect(client.call(verb, {}), verb).rejects.toMatchObject({ code: "forbidden" });
    }
    const assignment = await client.call("hello", { ...hello, protocol: OLDEST_PROTOCOL });
    expect(assignment).toMatchObject({ protocol: OLDEST_PROTOCOL, agent: { name: "old" } });
    expect(await hive.untilAgent("old", (agent) => agent.needs_update)).toBeDefined();
    // One at a time: a second one is refused while the first lives.
    const second = await connectLines(hive.agentSocket("old"));
    await expect(second.call("hello", { ...hello, instance: "instance-2", protocol: PROTOCOL })).rejects.toThrow(
      "an agent has one at a time",
    );
    const { confirmed_n: n } = await client.call("publish", {
      events: [{ n: 1, at: new Date().toISOString(), event: { type: "note", level: "info", text: "x".repeat(600_000) } }],
    });
    expect(n).toBe(1);
    const { events } = await hive.call("turn_events", { agent: "old" });
    expect(events.at(-1)?.event).toMatchObject({ type: "note", level: "warn" });
    await client.call("report", { activity: "compacting" });
    await hive.untilAgent("old", (agent) => agent.needs_update);
    client.close();
    second.close();
  });
});
