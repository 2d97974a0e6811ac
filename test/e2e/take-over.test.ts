import Database from "better-sqlite3";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Output } from "../../src/wire/operations.ts";
import { TestHive } from "../lib/hive.ts";

/** A hive from before deploys existed: agents with a config, but without repository, ledger entry or request. */

const RULES = [
  { when: { from: "system" }, steps: [{ say: "noted" }] },
  {
    when: { text: "^look" },
    steps: [
      {
        tools: [
          {
            name: "Bash",
            input: { command: "git -C /agents/ada/config log --format=%s; git -C /meta log --format=%s", description: "git" },
          },
        ],
        capture: { seen: "([\\s\\S]+)" },
      },
      { tools: [{ name: "send", input: { to: "operator", body: "{{seen}}" } }] },
      { say: "looked" },
    ],
  },
  {
    when: { text: "." },
    steps: [{ tools: [{ name: "send", input: { to: "operator", body: "{{agent}} heard {{body}}" } }] }, { say: "ok" }],
  },
];
/** Removes everything that deploys have made of a stopped hive. */
function forgetDeploys(): void {
  for (const folder of ["applied", "proposed", "meta"]) rmSync(join(hive.stateDir, folder), { recursive: true });
  const db = new Database(join(hive.stateDir, "hive.db"));
  db.exec("DELETE FROM approvals; UPDATE agents SET deployed_sha = NULL, deployed_request = NULL, hyperhive = NULL");
  db.close();
}

let hive: TestHive;
/** The files of ada's config before it was taken over. */
let before: Output<"config">["files"];
beforeAll(async () => {
  hive = await new TestHive().play(RULES).start();
  await hive.call("spawn", { name: "ada", config: { model: "haiku" }, instructions: "Count." });
  for (const name of ["gone", "lost"]) await hive.call("spawn", { name });
  await hive.call("destroy", { name: "gone" });
  await hive.call("send", { to: "ada", body: "one" });
  await hive.untilMessage((message) => message.body === "ada heard one");
  before = (await hive.call("config", { name: "ada" })).files;
  await hive.stop();
  forgetDeploys();
  // A config that cannot be committed and with which no cage can start.
  const db = new Database(join(hive.stateDir, "hive.db"));
  const [id, generation] = db.prepare("SELECT id, generation FROM agents WHERE name = 'lost'").raw().get() as [string, number];
  db.close();
  rmSync(join(hive.stateDir, "agents", id, "generations", String(generation), "agent.json"));
  await hive.start();
});
afterAll(() => hive.dispose());

/** What the check of the deploys finds, besides of the agent without a config. */
async function problems(): Promise<string[]> {
  const { findings } = await hive.call("check", {});
  return findings.flatMap((one) => one.problems).filter((problem) => !problem.startsWith("lost: "));
}

test("at the next start each is taken over unchanged, by a deploy with an id, and keeps its notes", async () => {
  const generation = join(await hive.folderOf("ada"), "generations");
  for (const name of ["hm1nd", "ada"])
    await hive.untilAgent(
      name,
      (agent) => agent.deployed_sha !== undefined && agent.deploying === undefined && !agent.needs_update,
    );
  const { deploys } = await hive.call("deploys", { agent: "ada" });
  expect(deploys).toMatchObject([{ state: "deployed", origin: "update", by: "system", runs: true }]);
  expect((await hive.call("config", { name: "ada" })).files).toEqual(before);
  expect(readFileSync(join(generation, String(deploys[0]?.id), "INSTRUCTIONS.md"), "utf8")).toContain("Count.");
  expect(await problems()).toEqual([]);
  expect((await hive.call("meta", {})).inputs.map((input) => input.name)).toEqual(["hyperhive", "agent-hm1nd", "agent-ada"]);
  // The manager has the proposed repository and can read the ledger.
  await hive.call("send", { to: "hm1nd", body: "look" });
  await hive.untilMessage(({ body }) => /^take over ada\n.*deploy (?:ada|hm1nd) deployed\/\d+ /s.test(body ?? ""));
  await hive.call("send", { to: "ada", body: "two" });
  await hive.untilMessage((message) => message.body === "ada heard two");

  // From here on it is an agent like any other.
  const base64 = Buffer.from(JSON.stringify({ model: "opus" })).toString("base64");
  const { request } = await hive.call("propose", { agent: "ada", files: [{ path: "agent.json", mode: "100644", base64 }] });
  await hive.call("approve", { id: request });
  expect(await hive.untilAgent("ada", (agent) => agent.deploying === undefined && agent.model === "opus")).toMatchObject({
    running: true,
  });
  await hive.call("rollback", { agent: "ada", id: deploys[0]?.id ?? 0 });
  await hive.untilAgent("ada", (agent) => agent.deploying === undefined && agent.model === "haiku");

  // An agent that was destroyed before is taken over when it is revived.
  await hive.call("revive", { name: "gone" });
  await hive.call("send", { to: "gone", body: "back?" });
  await hive.untilMessage((message) => message.body === "gone heard back?");
  expect(await problems()).toEqual([]);
});

test("an agent without a config is stopped with the reason, shown as drift, and the manager is notified", async () => {
  await hive.untilMessage(
    (message) => message.from === "system" && /"event":"needs_update","agent":"lost"/.test(message.body ?? ""),
  );
  const lost = await hive.untilAgent("lost", (agent) => agent.drift !== undefined && agent.deploying === undefined);
  expect(lost.drift).toBe("its config is not locked in the deploy ledger: rebuild it");
  expect(lost.state).toBe("failed");
  expect(lost.state_reason).toMatch(/the deployed config cannot be read: ENOENT.*agent\.json/);
  expect((await hive.call("start", { scope: { agent_names: ["lost"] } })).results).toMatchObject([
    { ok: false, error: expect.stringMatching(/cannot be read/) as string },
  ]);
});
