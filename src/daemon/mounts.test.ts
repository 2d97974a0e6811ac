import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bwrapPlatform } from "../platforms/bwrap/platform.ts";
import type { MountTrial } from "../deploys/deploy-context.ts";
import { Paths } from "../lib/paths.ts";
import { idMapsLack } from "../os/id-map.ts";
import { removeTree } from "../os/remove-tree.ts";
import type { MountOwners } from "../store/approvals.ts";
import { tryMounts } from "./mounts.ts";

/** These tests try mounts in real sandboxes that run as an agent does on this host. */

let folder: string;
let paths: Paths;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "mounts-")));
  paths = new Paths(join(folder, "state"), join(folder, "run"));
  paths.prepare();
});
afterEach(() => removeTree(folder));

const { driver, sandboxedRun } = bwrapPlatform();
const identity = driver.identityFor("mounts", 7);
function makeFolder(name: string, mode: number): string {
  const path = join(folder, name);
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}
async function tryMount(host: string, mode: "ro" | "rw", approved?: MountOwners): Promise<MountTrial> {
  const [trial] = await tryMounts([{ host, cage: "/data", mode }], { identity, paths, sandboxedRun }, approved);
  if (trial === undefined) throw new Error("no trial");
  return trial;
}
const problem = async (host: string, mode: "ro" | "rw"): Promise<string | undefined> => (await tryMount(host, mode)).problem;

test("a folder that all users may read and write works, and the trial leaves nothing in it", async () => {
  const open = makeFolder("open", 0o777);
  expect(await problem(open, "rw")).toBeUndefined();
  expect(await problem(open, "ro")).toBeUndefined();
  expect(readdirSync(open)).toEqual([]);
});

test.each(["/proc", "/proc/1", "/sys", "/dev/shm", "/run", "/var/run"])(
  "%s of the running host is refused, although it is readable",
  async (host) => {
    expect(await problem(host, "ro")).toMatch(/is part of the running host \(\/(?:proc|sys|dev|run)\): no agent can have it/);
  },
);

test("a folder that the agent cannot write is refused as rw, but not as ro", async () => {
  const readOnly = makeFolder("read-only", 0o555);
  expect(await problem(readOnly, "rw")).toMatch(/^mounts: .*read-only cannot be written by the agent \(.*\): use "ro"/);
  expect(await problem(readOnly, "ro")).toBeUndefined();
});

test("a folder that the agent cannot read is refused in both modes", async () => {
  const closed = makeFolder("closed", 0o000);
  expect(await problem(closed, "ro")).toMatch(/closed cannot be read by the agent/);
  expect(await problem(closed, "rw")).toMatch(/closed cannot be read by the agent/);
});

test("a missing folder, a file, a link and the hive's own files are refused", async () => {
  const real = makeFolder("real", 0o777);
  symlinkSync(real, join(folder, "link"));
  writeFileSync(join(folder, "file"), "");
  expect(await problem(join(folder, "none"), "ro")).toMatch(/none does not exist on this host$/);
  expect(await problem(join(folder, "file"), "ro")).toMatch(/file is not a folder$/);
  expect(await problem(join(folder, "link"), "rw")).toBe(
    `mounts: ${join(folder, "link")} goes through a symbolic link; use ${real}`,
  );
  expect(await problem(paths.state, "ro")).toMatch(/contains the hive's own files/);
  expect(await problem("/", "ro")).toMatch(/contains the hive's own files/);
});

test("a folder with the program of the hive, or with Node, can only be read", async () => {
  const program = dirname(import.meta.dirname);
  for (const host of [program, import.meta.dirname, dirname(program), dirname(process.execPath)]) {
    expect(await problem(host, "rw"), host).toMatch(/contains the program of the hive, or is part of it/);
    expect((await problem(host, "ro")) ?? "", host).not.toMatch(/program/);
  }
});

/** Uses id maps if this host supports them. Otherwise the error must say what the host lacks. */
const ownedFolderTests = (): void => {
  const OWNER = { uid: 4242, gid: 4343 };
  function makeOwned(name: string, mode: number, owner = OWNER): string {
    const path = makeFolder(name, mode);
    chownSync(path, owner.uid, owner.gid);
    return path;
  }

  test("is written as its owner, or refused with what this host lacks", async () => {
    for (const mode of [0o755, 0o700]) {
      const { problem: words, owner } = await tryMount(makeOwned(`o${mode}`, mode), "rw");
      if ((await idMapsLack()) === undefined) expect([words, owner]).toEqual([undefined, OWNER]);
      else expect([words?.split("either: ")[1], owner]).toEqual([await idMapsLack(), undefined]);
    }
  });

  test("is not written as its owner if others may write it, or if it is mounted read-only", async () => {
    for (const trial of [await tryMount(makeOwned("open", 0o777), "rw"), await tryMount(makeOwned("read", 0o755), "ro")])
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
    const { problem: words, owner } = await tryMount(makeOwned("x", 0o755, { ...OWNER, ...change }), "rw");
    expect(words).toMatch(
      /^mounts: .* cannot be written by the agent .*: use "ro".*\. It cannot be written as its owner either: /,
    );
    expect(words).toContain((await idMapsLack()) ?? `it belongs to ${whom}, and no agent may act as `);
    expect(owner).toBeUndefined();
  });

  test("is not written as its owner if the owner cannot write, or if the file system does not support id maps", async () => {
    const lack = await idMapsLack();
    const closed = await tryMount(makeOwned("closed", 0o555), "rw");
    expect(closed.problem).toContain(lack ?? "uid 4242, gid 4343, its owner, cannot write there");
    // The folder of a process belongs to its user. procfs does not support id maps.
    const child = spawn("sleep", ["1000"], OWNER);
    await once(child, "spawn");
    await expect.poll(() => statSync(`/proc/${child.pid}`)).toMatchObject(OWNER);
    // As at a build. A request for this folder would be refused earlier.
    const foreign = await tryMount(`/proc/${child.pid}`, "rw", { "/data": OWNER });
    child.kill();
    expect(foreign.problem).toContain(lack ?? "its file system or this kernel does not support id maps");
  });

  test("keeps the approved owner after the approval, and gets no map that was not approved", async () => {
    const path = makeOwned("approved", 0o755);
    const lack = await idMapsLack();
    const kept = await tryMount(path, "rw", { "/data": OWNER });
    if (lack === undefined) expect([kept.problem, kept.owner]).toEqual([undefined, OWNER]);
    else expect(kept.problem).toContain(lack);
    expect((await tryMount(path, "rw", { "/data": { ...OWNER, uid: 4244 } })).problem).toMatch(
      /approved belonged to uid 4244, gid 4343 when it was requested, and now belongs to uid 4242, gid 4343: request it again$/,
    );
    expect(await tryMount(path, "rw", {})).toMatchObject({ problem: expect.stringMatching(/cannot be written by the agent/) });
  });
};

if (identity.kind === "host-uid") describe("a folder that only its owner can write", ownedFolderTests);
else
  test("agents of a plain user run as that user, so no id map is tried", async () => {
    expect(await problem(makeFolder("own", 0o555), "rw")).toMatch(
      /own cannot be written by the agent .*\(chmod o\+w, setfacl\)$/,
    );
  });
