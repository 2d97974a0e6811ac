import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openPlatform } from "../platforms/open.ts";
import type { MountTrial } from "../deploys/deploy-context.ts";
import { Paths } from "../lib/paths.ts";
import { idMapsLack } from "../os/id-map.ts";
import type { MountOwners } from "../store/approvals.ts";
import { tryMounts } from "./mounts.ts";

/** Mounts are tried in real throw-away cages that run as an agent does on this host. */

let folder: string;
let paths: Paths;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "mounts-")));
  paths = new Paths(join(folder, "state"), join(folder, "run"));
  paths.prepare();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const identity = openPlatform("bwrap").driver.identityFor("mounts", 7);
function made(name: string, mode: number): string {
  const path = join(folder, name);
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}
async function tried(host: string, mode: "ro" | "rw", approved?: MountOwners): Promise<MountTrial> {
  const [trial] = await tryMounts([{ host, cage: "/data", mode }], identity, paths, approved);
  if (trial === undefined) throw new Error("no trial");
  return trial;
}
const problem = async (host: string, mode: "ro" | "rw"): Promise<string | undefined> => (await tried(host, mode)).problem;

test("a folder that all may read and write works, and nothing is left in it", async () => {
  const open = made("open", 0o777);
  expect(await problem(open, "rw")).toBeUndefined();
  expect(await problem(open, "ro")).toBeUndefined();
  expect(readdirSync(open)).toEqual([]);
});

test.each(["/proc", "/proc/1", "/sys", "/dev/shm", "/run", "/var/run"])(
  "%s of the running host is refused, although it could be read",
  async (host) => {
    expect(await problem(host, "ro")).toMatch(/is part of the running host \(\/(?:proc|sys|dev|run)\): no agent can have it/);
  },
);

test("rw where the agent cannot write is refused, ro is not", async () => {
  const readOnly = made("read-only", 0o555);
  expect(await problem(readOnly, "rw")).toMatch(/^mounts: .*read-only cannot be written by the agent \(.*\): use "ro"/);
  expect(await problem(readOnly, "ro")).toBeUndefined();
});

test("a folder that the agent cannot read is refused in both modes", async () => {
  const closed = made("closed", 0o000);
  expect(await problem(closed, "ro")).toMatch(/closed cannot be read by the agent/);
  expect(await problem(closed, "rw")).toMatch(/closed cannot be read by the agent/);
});

test("what is no folder of its own is refused: nothing, a file, a link, the hive's own files", async () => {
  const real = made("real", 0o777);
  symlinkSync(real, join(folder, "link"));
  writeFileSync(join(folder, "file"), "");
  expect(await problem(join(folder, "none"), "ro")).toMatch(/none does not exist on this host$/);
  expect(await problem(join(folder, "file"), "ro")).toMatch(/file is not a folder$/);
  expect(await problem(join(folder, "link"), "rw")).toBe(
    `mounts: ${join(folder, "link")} goes through a symbolic link; use ${real}`,
  );
  expect(await problem(paths.state, "ro")).toMatch(/holds the hive's own files/);
  expect(await problem("/", "ro")).toMatch(/holds the hive's own files/);
});

/** Id maps are made where this host has them; everywhere else the words say what it lacks. */
const ofAnotherOwner = (): void => {
  const OWNER = { uid: 4242, gid: 4343 };
  function owned(name: string, mode: number, owner = OWNER): string {
    const path = made(name, mode);
    chownSync(path, owner.uid, owner.gid);
    return path;
  }

  test("is written as the owner, or refused with what this host lacks", async () => {
    for (const mode of [0o755, 0o700]) {
      const { problem: words, owner } = await tried(owned(`o${mode}`, mode), "rw");
      if ((await idMapsLack()) === undefined) expect([words, owner]).toEqual([undefined, OWNER]);
      else expect([words?.split("either: ")[1], owner]).toEqual([await idMapsLack(), undefined]);
    }
  });

  test("is not written as its owner when others may write there, or only read", async () => {
    for (const trial of [await tried(owned("open", 0o777), "rw"), await tried(owned("read", 0o755), "ro")])
      expect([trial.problem, trial.owner]).toEqual([undefined, undefined]);
  });

  test.each<[string, Partial<typeof OWNER>]>([
    ["the user root", { uid: 0 }],
    ["the group root", { gid: 0 }],
    ["uid 33, a user of the system", { uid: 33 }],
    ["gid 999, a group of the system", { gid: 999 }],
    ["uid 61184, a user of the system", { uid: 61_184 }],
    ["uid 65534, a user of the system", { uid: 65_534 }],
    [`uid ${identity.uid - 1}, an agent's`, { uid: identity.uid - 1 }],
    [`gid ${identity.gid}, an agent's`, { gid: identity.gid }],
  ])("is refused when it belongs to %s", async (whom, change) => {
    const { problem: words, owner } = await tried(owned("x", 0o755, { ...OWNER, ...change }), "rw");
    expect(words).toMatch(
      /^mounts: .* cannot be written by the agent .*: use "ro".*\. It cannot be written as its owner either: /,
    );
    expect(words).toContain(`it belongs to ${whom}, and no agent acts as `);
    expect(owner).toBeUndefined();
  });

  test("is not written as its owner where the owner cannot write, nor where the file system takes no map", async () => {
    const lack = await idMapsLack();
    const closed = await tried(owned("closed", 0o555), "rw");
    expect(closed.problem).toContain(lack ?? "uid 4242, gid 4343, its owner, cannot write there");
    // The folder of a process belongs to its user; procfs takes no map.
    const child = spawn("sleep", ["1000"], OWNER);
    await once(child, "spawn");
    await expect.poll(() => statSync(`/proc/${child.pid}`)).toMatchObject(OWNER);
    // As at a build: a request for it is refused before.
    const foreign = await tried(`/proc/${child.pid}`, "rw", { "/data": OWNER });
    child.kill();
    expect(foreign.problem).toContain(lack ?? "its file system or this kernel takes no id map");
  });

  test("is after the approval what was approved: no other owner, and no map that nobody has seen", async () => {
    const path = owned("approved", 0o755);
    const lack = await idMapsLack();
    const kept = await tried(path, "rw", { "/data": OWNER });
    if (lack === undefined) expect([kept.problem, kept.owner]).toEqual([undefined, OWNER]);
    else expect(kept.problem).toContain(lack);
    expect((await tried(path, "rw", { "/data": { ...OWNER, uid: 4244 } })).problem).toMatch(
      /approved belonged to uid 4244, gid 4343 when it was asked for, and belongs to uid 4242, gid 4343 now: ask again$/,
    );
    expect(await tried(path, "rw", {})).toMatchObject({ problem: expect.stringMatching(/cannot be written by the agent/) });
  });
};

if (identity.kind === "host-uid") describe("a folder that only its owner can write", ofAnotherOwner);
else
  test("the agents of a plain user are that user: no id map is looked for", async () => {
    expect(await problem(made("own", 0o555), "rw")).toMatch(/own cannot be written by the agent .*\(chmod o\+w, setfacl\)$/);
  });
