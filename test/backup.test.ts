import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { restore } from "../src/backup/restore.ts";
import { Backups, type BackupDeps } from "../src/backup/take.ts";
import { commitObject, treeObjects } from "../src/config-repos/objects.ts";
import { writeObjects } from "../src/config-repos/store.ts";
import { check } from "../src/deploys/check.ts";
import { takeLock } from "../src/store/lock.ts";
import { openTestSystem, type TestSystem } from "./lib/system.ts";

/** Backups of the real store and the real repositories during deploys, and what is refused. */

/** Log reads of the ledger, each a git process: a deploy that nothing holds up goes on for some steps meanwhile. */
const LOOKS = 20;
/** Number of backups, each at another point of the deploys. */
const BACKUPS = 3;
/** A hive with its manager, of which each test has a copy. */
let prepared: string;
let folder: string;
let home: string;
let system: TestSystem;
const never = new AbortController().signal;
const quiet = { mayPutAside: () => Promise.reject(new Error("it is not empty")), tell: () => {} };
const asked = { ...quiet, mayPutAside: () => Promise.resolve() };

beforeAll(async () => {
  prepared = mkdtempSync(join(tmpdir(), "backup-"));
  const first = await openTestSystem({ folder: prepared });
  await first.firstStart();
  await first.close();
});
afterAll(() => rmSync(prepared, { recursive: true, force: true }));
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "backup-"));
  home = mkdtempSync(join(tmpdir(), "backed-up-"));
  cpSync(prepared, home, { recursive: true, verbatimSymlinks: true });
  system = await openTestSystem({ folder: home });
});
afterEach(async () => {
  await system.close();
  for (const one of [folder, home]) rmSync(one, { recursive: true, force: true });
});

function backupsOf(changes: Partial<BackupDeps> = {}): Backups {
  const { paths, store, repos } = system;
  return new Backups({ hiveId: "abcd1234", version: "0", paths, store, still: repos.still, ...changes });
}
const at = (name: string): string => join(folder, name);
/** Restores a backup into a new state folder and checks it. */
async function restored(backup: string, name: string): Promise<{ holds: string[]; problems: string[]; rows: number }> {
  await mkdir(at(name));
  await restore({ backup, state: join(at(name), "s"), ...quiet });
  const other = await openTestSystem({ folder: at(name) });
  const found = await check(other.context);
  const rows = other.store.approvals.all().length;
  await other.close();
  return {
    holds: found.filter(({ ok }) => ok).map(({ what }) => what),
    problems: found.flatMap((one) => one.problems),
    rows,
  };
}

test("backups taken during repeated deploys of two agents restore into hives whose invariants hold", async () => {
  for (const name of ["ada", "bob"])
    await system.through((await system.requests.spawn({ name, by: "operator", origin: "spawn" })).id);
  let isOver = false;
  let deploys = 0;
  let onDeploy = (): void => {};
  const deploying = ["ada", "bob"].map(async (name) => {
    while (!isOver) {
      const text = JSON.stringify({ model: `model-${++deploys}` });
      onDeploy();
      const files = [{ path: "agent.json", mode: "100644" as const, base64: Buffer.from(text).toString("base64") }];
      const { id } = await system.requests.proposeFiles({ agent: name, files, by: "operator" });
      await system.decisions.approve(id, {}, { by: "operator", digestNeeded: false });
      await system.through(id);
    }
  });
  const { agents, seq, backup } = system.store;
  const backups = backupsOf({
    store: {
      agents,
      seq,
      async backup(file, onPages) {
        // A large database takes time to copy. Meanwhile, deploys would finish if nothing held them up.
        for (let looks = 0; looks < LOOKS; looks++) await system.repos.meta.log(1);
        await backup(file, onPages);
      },
    },
  });
  const rows: number[] = [];
  for (let n = 0; n < BACKUPS; n++) {
    // Start each backup at another point of the running deploys.
    const enough = deploys + 2;
    await new Promise<void>((resolve) => (onDeploy = () => deploys >= enough && resolve()));
    await backups.take(at(`b${n}`), never, () => {});
  }
  isOver = true;
  await Promise.all(deploying);
  expect(system.unexpected).toEqual([]);
  for (let n = 0; n < BACKUPS; n++) {
    const found = await restored(at(`b${n}`), `r${n}`);
    expect(found.problems).toEqual([]);
    expect(found.holds).toHaveLength(7);
    rows.push(found.rows);
  }
  expect(rows).toEqual([...rows].sort((a, b) => a - b));
  expect(new Set(rows).size).toBeGreaterThan(2);
});

test("files of an agent are restored unchanged: names, links, programs; sockets of its cage are left out", async () => {
  const id = system.swarm.manager()?.id ?? "";
  const { state, cage } = system.paths.agent(id);
  for (const made of [state, cage]) await mkdir(made, { recursive: true });
  writeFileSync(join(state, "-rf\n\u202Enotes"), "kept", { mode: 0o750 });
  symlinkSync("/etc/shadow", join(state, "link"));
  writeFileSync(join(cage, "cage.json"), "{}");
  const { manifest, complaints } = await backupsOf().take(at("b"), never, () => {});
  expect(complaints).toEqual([]);
  expect(manifest.agents).toEqual([{ id, name: "hm1nd" }]);
  await restore({ backup: at("b"), state: at("s"), ...quiet });
  const there = join(at("s"), "agents", id);
  expect(readFileSync(join(there, "state", "-rf\n\u202Enotes"), "utf8")).toBe("kept");
  expect(
    readdirSync(join(there, "state"), { withFileTypes: true })
      .find((one) => one.name === "link")
      ?.isSymbolicLink(),
  ).toBe(true);
  expect(readdirSync(there)).not.toContain("cage");
});

test("a backup goes into a new folder, one at a time, and leaves nothing if it is aborted or fails", async () => {
  const backups = backupsOf();
  writeFileSync(at("file"), "");
  for (const [to, words] of [
    ["relative", /absolute/],
    [`${folder}/../x`, /absolute/],
    [join(system.paths.state, "b"), /inside/],
    [join(folder, "none", "b"), /does not exist/],
    [at("file"), /not a folder/],
    [folder, /not empty/],
  ] as const)
    await expect(
      backups.take(to, never, () => {}),
      to,
    ).rejects.toThrow(words);

  const first = backups.take(at("b"), never, () => {});
  // Refused from the moment of the call, so that the result does not depend on which folder is read first.
  expect(() => backups.refuseWhileTaking("purge it")).toThrow("purge it once it is done");
  await expect(backups.take(at("c"), never, () => {})).rejects.toThrow("a backup is being taken");
  await first;
  expect(readdirSync(at("b")).sort()).toEqual(["agents.tar", "deployed.tar", "hive.db", "manifest.json", "repositories.tar"]);
  backups.refuseWhileTaking("purge it");

  const givenUp = new AbortController();
  await expect(backups.take(at("d"), givenUp.signal, () => givenUp.abort())).rejects.toThrow("given up");
  const full = backupsOf({
    store: {
      agents: system.store.agents,
      seq: 1,
      backup: () => Promise.reject(Object.assign(new Error("full"), { code: "SQLITE_FULL" })),
    },
  });
  await expect(full.take(at("d"), never, () => {})).rejects.toThrow("no room");
  expect(readdirSync(folder).sort()).toEqual(["b", "file"]);
});

test("a backup that is incomplete, foreign or newer is refused before anything is changed", async () => {
  await backupsOf().take(at("b"), never, () => {});
  const files = ["agents.tar", "deployed.tar", "hive.db", "manifest.json", "repositories.tar"];
  const good = new Map(files.map((name) => [name, readFileSync(join(at("b"), name))]));
  const manifest = JSON.parse(String(good.get("manifest.json"))) as object;
  for (const [name, content, words] of [
    [
      "agents.tar",
      Buffer.concat([good.get("agents.tar") ?? Buffer.alloc(0), Buffer.from("x")]),
      /agents.tar is not what was written/,
    ],
    ["hive.db", Buffer.from("no database"), /hive.db is not what was written/],
    ["manifest.json", "{", /does not fit/],
    ["manifest.json", JSON.stringify({ ...manifest, parts: [] }), /does not fit/],
    ["manifest.json", JSON.stringify({ ...manifest, format: 3 }), /newer than 2/],
    ["manifest.json", JSON.stringify({ ...manifest, parts: [{ file: "../x", bytes: 0, sha256: "" }] }), /does not fit/],
  ] as const) {
    writeFileSync(join(at("b"), name), content);
    await expect(restore({ backup: at("b"), state: at("s"), ...quiet }), String(words)).rejects.toThrow(words);
    writeFileSync(join(at("b"), name), good.get(name) ?? "");
  }
  rmSync(join(at("b"), "manifest.json"));
  await expect(restore({ backup: at("b"), state: at("s"), ...quiet })).rejects.toThrow("not a backup that was finished");
  expect(readdirSync(at("s"))).toEqual(["daemon.lock"]);
});

test("a state folder with a daemon, a running cage or anything else in it is refused; if permitted, the rest is moved aside", async () => {
  await backupsOf().take(at("b"), never, () => {});
  const state = at("s");
  await restore({ backup: at("b"), state, ...quiet });
  await expect(restore({ backup: at("b"), state, ...quiet })).rejects.toThrow("is not empty");

  const lock = takeLock(join(state, "daemon.lock"));
  await expect(restore({ backup: at("b"), state, ...asked })).rejects.toThrow("another hive-c0re runs");
  lock.release();

  const startTime = Number(readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ")[19]);
  const cage = join(state, "agents", system.swarm.manager()?.id ?? "", "cage");
  await mkdir(cage);
  for (const note of ["cage.json", "container.json"]) {
    writeFileSync(join(cage, note), JSON.stringify({ init: { pid: process.pid, startTime } }));
    await expect(restore({ backup: at("b"), state, ...asked }), note).rejects.toThrow("cages of");
    writeFileSync(join(cage, note), JSON.stringify({ init: { pid: process.pid, startTime: startTime + 1 } }));
  }

  writeFileSync(join(state, "mine"), "kept");
  const { aside } = await restore({ backup: at("b"), state, ...asked });
  expect(readFileSync(join(aside ?? "", "mine"), "utf8")).toBe("kept");
  expect(readdirSync(aside ?? "")).toContain("hive.db");
  expect(readdirSync(state)).toContain("hive.db");
});

test("a repository is restored with every commit that its rows name, also those of a merge at that moment", async () => {
  const { work } = system;
  await work.start();
  await work.makeSample();
  const folderOf = (name: string): string => work.repositories.folder(name);
  const first = work.repositories.tip("greeter", "main") ?? "";
  // Commits and merges go on while the database is copied.
  const merged: string[] = [];
  const commit = async (n: number): Promise<void> => {
    const tree = treeObjects([{ path: "n.txt", mode: "100644", base64: Buffer.from(`${n}`).toString("base64") }]);
    const tip = work.repositories.tip("greeter", "main") ?? "";
    const next = commitObject(tree.at(-1)?.sha ?? "", [tip], { message: `${n}`, author: "a", at: n });
    await writeObjects(folderOf("greeter"), [...tree, next]);
    expect(await work.repositories.moveBase("greeter", "main", next.sha, tip)).toBe(true);
    merged.push(next.sha);
  };
  const { agents, seq, backup } = system.store;
  await backupsOf({
    store: {
      agents,
      seq,
      async backup(file, onPages) {
        await backup(file, onPages);
        await commit(1);
      },
    },
  }).take(at("b"), never, ({ part }) => {
    if (part === "repositories.tar" && merged.length === 1) void commit(2);
  });
  await mkdir(at("r"));
  await restore({ backup: at("b"), state: join(at("r"), "s"), ...quiet });
  const other = await openTestSystem({ folder: at("r") });
  try {
    await other.work.start();
    const tip = other.work.repositories.tip("greeter", "main") ?? "";
    expect([first, ...merged]).toContain(tip);
    // What was merged before the repositories were copied is there.
    expect(tip).not.toBe(first);
    const whole = await other.work.context.git.tryRead("greeter", ["rev-list", "--objects", "--quiet", "--all"]);
    expect(whole).toMatchObject({ code: 0, stderr: "" });
  } finally {
    await other.close();
  }
});

test("a backup of format 1, without repositories, is restored", async () => {
  await backupsOf().take(at("b"), never, () => {});
  const file = join(at("b"), "manifest.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as { format: number; parts: { file: string }[] };
  const parts = manifest.parts.filter((part) => part.file !== "repositories.tar");
  writeFileSync(file, JSON.stringify({ ...manifest, format: 1, parts }));
  rmSync(join(at("b"), "repositories.tar"));
  expect((await restored(at("b"), "r")).problems).toEqual([]);
});
