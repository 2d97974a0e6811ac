import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { connectLines } from "../../src/rpc/client.ts";
import { OLDEST_PROTOCOL, PROTOCOL } from "../../src/wire/harness.ts";
import { TestHive } from "../lib/hive.ts";

const ANSWER = [
  {
    when: { text: "." },
    steps: [{ tools: [{ name: "send", input: { to: "operator", body: "heard {{body}}" } }] }, { say: "done" }],
  },
];
const hives: TestHive[] = [];
afterEach(async () => {
  await Promise.all(hives.splice(0).map((hive) => hive.dispose()));
});
function another(env: Record<string, string> = {}): TestHive {
  const hive = new TestHive(env).play(ANSWER);
  hives.push(hive);
  return hive;
}

describe("several hives on one host", () => {
  test("two with the same agents are independent of each other", async () => {
    const [one, two] = await Promise.all([another().start(), another().start()]);
    await Promise.all([one, two].map((hive) => hive.call("spawn", { name: "ada" })));
    await Promise.all([one.call("send", { to: "ada", body: "first" }), two.call("send", { to: "ada", body: "second" })]);
    await Promise.all([
      one.untilMessage((message) => message.body === "heard first"),
      two.untilMessage((message) => message.body === "heard second"),
    ]);
    expect(one.home).not.toBe(two.home);
    const ids = await Promise.all([one, two].map(async (hive) => (await hive.call("state", {})).state.hive.id));
    expect(ids[0]).not.toBe(ids[1]);
    // Stopping one does not affect the other.
    await one.stop();
    await two.call("send", { to: "ada", body: "still there" });
    await two.untilMessage((message) => message.body === "heard still there");
  });

  test("a second daemon on the same folder is refused with what to do, and the first continues", async () => {
    const hive = await another().start();
    const rival = new TestHive({ HIVE_STATE_DIR: hive.stateDir });
    await expect(rival.start()).rejects.toThrow(/another hive-c0re runs on this state folder/);
    rmSync(rival.folder, { recursive: true, force: true });
    await hive.call("send", { to: "hm1nd", body: "hi" });
    await hive.untilMessage((message) => message.body === "heard hi");
  });

  test("a taken port and a path that is too long are refused with what to do", async () => {
    const hive = await another().start();
    const rival = another({ HIVE_PORT: new URL(hive.home).port });
    await expect(rival.start()).rejects.toThrow(/port \d+ is taken/);
    const deep = another();
    deep.env["HIVE_STATE_DIR"] = join(deep.folder, "x".repeat(90));
    await expect(deep.start()).rejects.toThrow(/set HIVE_RUN_DIR to a shorter folder/);
  });
});

describe("the protocol between harness and daemon", () => {
  const hello = { revision: "r", generation: 1, instance: "instance-1" };

  test("a newer and a far older harness are refused in words, the previous version is served", async () => {
    const hive = await another().start();
    await hive.call("stop", { scope: { agent_names: ["hm1nd"] } });
    const client = await connectLines(hive.agentSocket("hm1nd"));
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
    expect(assignment).toMatchObject({ protocol: OLDEST_PROTOCOL, agent: { name: "hm1nd" } });
    expect(await hive.untilAgent("hm1nd", (agent) => agent.needs_update)).toBeDefined();
    // One at a time: a second one is refused while the first lives.
    const second = await connectLines(hive.agentSocket("hm1nd"));
    await expect(second.call("hello", { ...hello, instance: "instance-2", protocol: PROTOCOL })).rejects.toThrow(
      "an agent has one at a time",
    );
    const { confirmed_n: n } = await client.call("publish", {
      events: [{ n: 1, at: new Date().toISOString(), event: { type: "note", level: "info", text: "x".repeat(600_000) } }],
    });
    expect(n).toBe(1);
    const { events } = await hive.call("turn_events", { agent: "hm1nd" });
    expect(events.at(-1)?.event).toMatchObject({ type: "note", level: "warn" });
    await client.call("report", { activity: "compacting" });
    await hive.untilAgent("hm1nd", (agent) => agent.needs_update);
    client.close();
    second.close();
  });

  test("a cage of another build survives the upgrade, and is replaced between turns", async () => {
    const hive = await another().start();
    await hive.call("send", { to: "hm1nd", body: "before" });
    await hive.untilMessage((message) => message.body === "heard before");
    const old = await hive.untilAgent("hm1nd", (agent) => agent.state === "idle");
    await hive.crash();
    // A build that differs by one comment: another revision.
    const dist = mkdtempSync(join(tmpdir(), "dist-"));
    try {
      symlinkSync(join(import.meta.dirname, "../../node_modules"), join(dist, "node_modules"));
      cpSync(join(import.meta.dirname, "../../dist"), join(dist, "dist"), { recursive: true });
      appendFileSync(join(dist, "dist", "harness", "hive-ag3nt.js"), "\n// another build\n");
      await hive.start({ dist: join(dist, "dist") });
      const fresh = await hive.untilAgent("hm1nd", (agent) => agent.revision !== old.revision && !agent.needs_update);
      expect(fresh.revision).not.toBe(old.revision);
      await hive.call("send", { to: "hm1nd", body: "after" });
      await hive.untilMessage((message) => message.body === "heard after");
    } finally {
      await hive.stop();
      rmSync(dist, { recursive: true, force: true });
    }
  });
});
