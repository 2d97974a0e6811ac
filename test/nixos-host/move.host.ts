import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { MigrationView } from "../../src/wire/migration.ts";
import { isRunning } from "../lib/hive.ts";
import { ANSWERS, HostedHive, containers, isUp, prepareHost, runs } from "./hive.ts";

/** A hive of bubblewrap is moved into containers as docs/nixos.md says, and back. */

let hive: HostedHive;
let host: Awaited<ReturnType<typeof prepareHost>>;
/** The agents' first processes in bubblewrap, and their sessions there. */
const cages = new Map<string, number>();
const sessions = new Map<string, string[]>();
/** Containers of other tests. */
let others: string[];
const NAMES = ["hm1nd", "scout"];
const WORK =
  "cd /work/web && git status -sb && git log --format=%s --branches --not --remotes && cat draft /state/note; git config user.name";

beforeAll(async () => {
  host = await prepareHost();
  others = containers();
  hive = new HostedHive("bwrap", [
    runs(
      "begin",
      "cd /work/web && git switch -q -c topic && echo one > file && git add -A && git commit -qm unpushed && echo two > draft && echo three > /state/note && echo begun",
    ),
    runs("look", `${WORK}; cat /proc/1/comm; hostname; ls /sys/class/net`),
    ANSWERS,
  ]);
  await hive.startService({ foreground: false });
  await hive.call("repo_create", { name: "web" });
  await hive.call("spawn", { name: "scout", config: { repos: [{ name: "web" }] } });
  for (const name of NAMES) expect(await hive.ask(name, "hello")).toBe("hello");
}, 300_000);
afterAll(async () => {
  await hive.stop();
  // A service leaves its cages.
  await hive.startService();
  await hive.stop({ atOnce: true });
  await host.stop();
}, 300_000);

const moved = (said: string): MigrationView => (JSON.parse(said) as { migration: MigrationView }).migration;
const states = (said: string): string[] => moved(said).agents.map(({ name, state }) => `${name} ${state}`);
/** The transcripts of an agent's sessions. */
async function transcripts(name: string): Promise<string[]> {
  const all = readdirSync(join(await hive.folderOf(name), "claude"), { recursive: true, encoding: "utf8" });
  return all.filter((path) => path.endsWith(".jsonl"));
}
/** As `nixos-rebuild switch` does with another driver: the service starts anew, and leaves its cages. */
async function switchTo(driver: string): Promise<void> {
  await hive.stop();
  hive.env["HIVE_DRIVER"] = driver;
  await hive.startService({ foreground: false });
}

test("a check changes nothing, and says that nothing stands against the move", async () => {
  expect(await hive.ask("scout", "begin")).toBe("saw begun");
  const before = await hive.ask("scout", "look");
  expect(before).toMatch(/## topic\n\?\? draft\nunpushed\ntwo\nthree\n/);
  const { code, said } = hive.hivectl("migrate", "--json");
  expect(said).toContain('"driver":"bwrap"');
  expect([code, states(said)]).toEqual([0, ["hm1nd ready", "scout ready"]]);
  expect(moved(said).problems).toEqual([]);
  for (const name of NAMES) expect(await hive.linksOf(name)).toEqual([]);
});

test("systems are built while the agents work in bubblewrap, and can be taken back", async () => {
  for (const name of NAMES) {
    cages.set(name, (await hive.cage(name)).init);
    sessions.set(name, await transcripts(name));
  }
  expect(states(hive.hivectl("migrate", "--build", "--json").said)).toEqual(["hm1nd built", "scout built"]);
  expect(states(hive.hivectl("migrate", "--undo", "--yes", "--json").said)).toEqual(["hm1nd ready", "scout ready"]);
  expect(states(hive.hivectl("migrate", "--build", "--json").said)).toEqual(["hm1nd built", "scout built"]);
  for (const name of NAMES) {
    expect(await hive.linksOf(name)).toHaveLength(1);
    expect((await hive.cage(name)).init).toBe(cages.get(name));
  }
  expect(containers()).toEqual(others);
});

test("after the switch each agent is a container, with its work, its state and its session", async () => {
  await switchTo("nixos-container");
  const said = await hive.ask("scout", "look");
  expect(said).toMatch(/## topic\n\?\? draft\nunpushed\ntwo\nthree\n/);
  expect(said).toContain("systemd");
  expect(said).toMatch(/\nlo\n*$/);
  expect(await hive.ask("hm1nd", "hello")).toBe("hello");
  for (const name of NAMES) {
    expect(isRunning(cages.get(name) ?? 0), name).toBe(false);
    expect(isUp(await hive.containerOf(name)), name).toBe(true);
    expect(await transcripts(name), name).toEqual(sessions.get(name));
  }
  const { code, said: after } = hive.hivectl("migrate", "--json");
  expect([code, states(after)]).toEqual([0, ["hm1nd moved", "scout moved"]]);
  const refused = hive.hivectl("migrate", "--undo", "--yes");
  expect(refused.code).not.toBe(0);
  expect(refused.said).toContain("boot from their systems");
});

test("the move was no deploy: what is locked is locked by the next one", async () => {
  const lock = join(hive.stateDir, "meta/flake.lock");
  expect(existsSync(lock)).toBe(false);
  expect(
    await hive.propose("scout", { "agent.json": JSON.stringify({ repos: [{ name: "web" }], model: "haiku" }) }),
  ).toMatchObject({
    state: "deployed",
  });
  // The checkout is written after the deploy.
  await expect.poll(() => existsSync(lock) && readFileSync(lock, "utf8")).toMatch(/"agent-hm1nd"[^]*"agent-scout"/);
  expect(await hive.ask("scout", "look")).toMatch(/unpushed\ntwo\nthree\n/);
});

test("back: no container is left behind a hive of bubblewrap, and the agents go on there", async () => {
  const names = await Promise.all(NAMES.map((name) => hive.containerOf(name)));
  await expect(switchTo("bwrap")).rejects.toThrow("containers of this hive run");
  await switchTo("nixos-container");
  expect(hive.hivectl("stop", "--all")).toMatchObject({ code: 0 });
  expect(names.map(isUp)).toEqual([false, false]);
  await switchTo("bwrap");
  expect(hive.hivectl("start", "--what-ran")).toMatchObject({ code: 0 });
  const said = await hive.ask("scout", "look");
  expect(said).toMatch(/## topic\n\?\? draft\nunpushed\ntwo\nthree\n/);
  expect(said).not.toContain("systemd");
  expect(states(hive.hivectl("migrate", "--json").said)).toEqual(["hm1nd built", "scout built"]);
});
