import Database from "better-sqlite3";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { logIn, sharedBrowser } from "../lib/browser.ts";
import { cliInside } from "../lib/cli-inside.ts";
import { TestHive, cleanEnv } from "../lib/hive.ts";

/**
 * Running generation, ledger and record agree, or the difference is shown. The test changes one of the three in a real
 * hive behind the daemon's back.
 */

let hive: TestHive;
beforeAll(async () => {
  const rules = [
    { when: { text: "^long" }, once: true, steps: [{ say: "and on ".repeat(300), chunk_ms: 300 }] },
    { when: { text: "." }, steps: [{ say: "ok" }] },
  ];
  hive = await new TestHive().play(rules).start({ manager: false });
  await hive.call("spawn", { name: "ada" });
});
afterAll(() => hive.dispose());

const hivectl = (...args: string[]) => cliInside("--socket", hive.socket, ...args);
const seventh = async (): Promise<string[]> =>
  (await hive.call("check", {})).findings.filter((one) => one.invariant === 7).flatMap((one) => one.problems);
/** Changes the ledger's entry of ada manually, with plain git. Returns what it was. */
function relock(change: (entry: Record<string, string>) => void): Record<string, string> {
  const meta = join(hive.stateDir, "meta");
  const file = join(meta, "hive.lock");
  const lock = JSON.parse(readFileSync(file, "utf8")) as { agents: Record<string, Record<string, string>> };
  const before = { ...lock.agents["ada"] };
  change(lock.agents["ada"] ?? {});
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  const who = ["-c", "safe.directory=*", "-c", "user.name=x", "-c", "user.email=x@hive.invalid"];
  execFileSync("git", [...who, "-C", meta, "commit", "-qam", "by hand"], { env: cleanEnv() });
  return before;
}
async function rebuilt(): Promise<void> {
  const { request } = await hive.call("rebuild", { name: "ada" });
  await hive.watch((event) => event.kind === "approval" && event.approval.id === request && event.approval.state === "deployed", {
    after: 0,
    kinds: ["approval"],
  });
  await hive.untilAgent("ada", (agent) => agent.deploying === undefined && agent.drift === undefined);
}

test("a ledger that differs from what was deployed is found, shown, and repaired by a rebuild", async () => {
  expect(await seventh()).toEqual([]);
  for (const [change, words] of [
    [(entry: Record<string, string>) => (entry["rev"] = "a".repeat(40)), "the deploy ledger locks aaaaaaaaaaaa, and "],
    [(entry: Record<string, string>) => (entry["tree"] = "b".repeat(40)), "the deploy ledger locks another tree"],
    [(entry: Record<string, string>) => (entry["hyperhive"] = "c"), "the deploy ledger locks another hyperhive"],
  ] as const) {
    const before = relock(change);
    expect(await seventh()).toEqual([expect.stringContaining(`ada: ${words}`)]);
    const ada = await hive.untilAgent("ada", (agent) => agent.drift?.startsWith(words) === true);
    // On the card of the dashboard and in the row of the terminal.
    expect(ada.warnings[0]).toBe(`drift: ${ada.drift}`);
    expect((await hivectl("status")).out).toMatch(/ada .* drift .*drift: the deploy ledger locks/);
    const checked = await hivectl("check");
    expect(checked.code).toBe(1);
    expect(checked.out).toContain(`ada: ${words}`);
    // A rebuild writes the whole entry, so one shows it.
    if (words.includes("hyperhive")) await rebuilt();
    else relock((entry) => Object.assign(entry, before));
    expect((await hive.call("check", {})).holds).toBe(true);
  }
});

test("a start finds it automatically, and the dashboard shows it in the row, on a phone as well, until it is repaired", async () => {
  relock((entry) => (entry["rev"] = "a".repeat(40)));
  await hive.crash();
  await hive.start();
  await hive.untilAgent("ada", (agent) => agent.drift?.includes("locks aaaaaaaaaaaa") === true);
  const browser = await sharedBrowser();
  const pages = await Promise.all([1440, 390].map((width) => logIn(browser, hive, { width, height: 900 })));
  const drifts = pages.map(({ page }) =>
    page
      .getByRole("listitem", { name: "ada", exact: true, includeHidden: true })
      .getByText(/^drift: the deploy ledger locks aaaaaaaaaaaa, and /),
  );
  for (const { page } of pages) await page.goto(`${hive.home}/?tab=swarm`);
  await Promise.all(drifts.map((drift) => drift.waitFor()));
  await rebuilt();
  // An event removes it.
  await Promise.all(drifts.map((drift) => drift.waitFor({ state: "detached" })));
  for (const { context, problems } of pages) {
    await context.close();
    expect(problems).toEqual([]);
  }
});

test("a running generation that differs from the record is shown, and replaced once its turn has ended", async () => {
  const speaks = hive.watch((event) => event.kind === "delta" && event.agent === "ada", { kinds: ["delta"] });
  await hive.call("send", { to: "ada", body: "long story" });
  await speaks;
  const cage = await hive.cage("ada");
  const { init } = cage;
  // Its harness is suspended while the next daemon starts, so only the check at its hello can find this.
  const harness = cage.find("hive-ag3nt.js");
  process.kill(harness, "SIGSTOP");
  await hive.crash();
  const db = new Database(join(hive.stateDir, "hive.db"));
  const running = db.prepare("SELECT generation FROM agents WHERE name = 'ada'").pluck().get() as number;
  db.prepare("UPDATE agents SET generation = generation + 1000 WHERE name = 'ada'").run();
  db.close();
  await hive.start();
  expect(await seventh()).toEqual([]);
  process.kill(harness, "SIGCONT");
  const ada = await hive.untilAgent("ada", (agent) => agent.drift !== undefined);
  expect(ada.drift).toBe(`generation ${running} runs, and ${running + 1000} is what was deployed`);
  expect(ada.needs_update).toBe(true);
  expect((await hive.cage("ada")).init).toBe(init);
  await hive.call("cancel", { name: "ada" });
  await hive.untilAgent("ada", (agent) => agent.drift === undefined && agent.deploying === undefined && !agent.needs_update);
  expect((await hive.call("check", {})).holds).toBe(true);
  expect((await hive.cage("ada")).init).not.toBe(init);
});
