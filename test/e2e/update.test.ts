import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { TestHive } from "../lib/hive.ts";

/** A new hyperhive under a working swarm: each agent is rebuilt between its turns, one after the other. */

const ROOT = join(import.meta.dirname, "../..");
const RULES = [
  { when: { from: "system" }, steps: [{ say: "noted" }] },
  { when: { text: "^long" }, steps: [{ say: "one two three four five six seven eight nine ten", chunk_ms: 500 }] },
  {
    when: { text: "." },
    steps: [{ tools: [{ name: "send", input: { to: "operator", body: "{{agent}} heard {{body}}" } }] }, { say: "ok" }],
  },
];
let hive: TestHive;
let dist: string;
afterEach(async () => {
  await hive.dispose();
  rmSync(dist, { recursive: true, force: true });
});

test("cages of another build survive the upgrade; the stale swarm is rebuilt one at a time, and never during a turn", async () => {
  hive = await new TestHive().play(RULES).start();
  await hive.call("spawn", { name: "ada" });
  const revision = (await hive.call("state", { messages: 0 })).state.hive.revision;
  const speaks = hive.watch((event) => event.kind === "delta" && event.agent === "ada", { kinds: ["delta"] });
  const { sent } = await hive.call("send", { to: "ada", body: "long story" });
  await speaks;
  const { seq } = (await hive.call("state", { messages: 0 })).state;
  await hive.crash();
  // A build that differs by one comment: another revision.
  dist = mkdtempSync(join(tmpdir(), "dist-"));
  symlinkSync(join(ROOT, "node_modules"), join(dist, "node_modules"));
  cpSync(join(ROOT, "dist"), join(dist, "dist"), { recursive: true });
  appendFileSync(join(dist, "dist", "harness", "hive-ag3nt.js"), "\n// another build\n");
  await hive.start({ dist: join(dist, "dist") });

  const done = new Set<string>();
  const events = await hive.watch(
    (event) => {
      if (event.kind === "approval" && event.approval.state === "deployed") done.add(event.approval.agent);
      return done.size === 2;
    },
    { after: seq, kinds: ["approval", "message"] },
  );
  // There were never two at the same time.
  const inFlight = new Set<number>();
  let most = 0;
  let end = -1;
  events.forEach((event, at) => {
    if (event.kind === "message" && event.message.id === sent[0]?.id && event.message.state === "done") end = at;
    if (event.kind !== "approval") return;
    const { id, state } = event.approval;
    if (["building", "waiting", "activating"].includes(state)) inFlight.add(id);
    else inFlight.delete(id);
    most = Math.max(most, inFlight.size);
  });
  expect(most).toBe(1);
  // The turn ended first, and only then was its agent activated.
  const { messages } = await hive.call("messages", { agent: "ada" });
  expect(messages.find((one) => one.id === sent[0]?.id)).toMatchObject({ state: "done", redelivered: false, failures: 0 });
  const activated = events.findIndex(
    (event) => event.kind === "approval" && event.approval.agent === "ada" && event.approval.state === "activating",
  );
  expect(end).toBeGreaterThan(-1);
  expect(activated).toBeGreaterThan(end);
  for (const name of ["hm1nd", "ada"]) {
    const agent = await hive.untilAgent(name, (one) => one.deploying === undefined && !one.needs_update);
    expect(agent.revision).not.toBe(revision);
    const { deploys } = await hive.call("deploys", { agent: name });
    expect(deploys[0]).toMatchObject({ origin: "update", by: "system", state: "deployed", runs: true });
  }
  // The config is unchanged: only hyperhive's entry in the ledger has moved.
  const { inputs } = await hive.call("meta", {});
  expect(inputs[0]?.name).toBe("hyperhive");
  await hive.call("send", { to: "ada", body: "still you?" });
  await hive.untilMessage((message) => message.body === "ada heard still you?");
  expect((await hive.call("check", {})).holds).toBe(true);
});
