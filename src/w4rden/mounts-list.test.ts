import { chmodSync, chownSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkListed } from "./mounts-list.ts";

const isRoot = process.getuid?.() === 0;
let etc: string;
let list: string;
beforeEach(() => {
  etc = realpathSync(mkdtempSync(join(tmpdir(), "etc-")));
  list = join(etc, "mounts");
});
afterEach(() => rmSync(etc, { recursive: true, force: true }));
const check =
  (folder: string, mode: "ro" | "rw" = "ro") =>
  () =>
    checkListed(folder, mode, {
      etc,
      state: "/var/lib/hyperhive",
      run: "/home/hive/run",
      programs: ["/opt/hyperhive", "/usr/bin/node"],
    });

test("root lists folders; each stands for itself and what is below it", () => {
  expect(check("/srv/data")).toThrow(
    `root does not allow /srv/data to be mounted: add a line with it, or with a folder above it, to ${list}`,
  );
  writeFileSync(list, "# shared\n/srv/data\n  /home/ann/a b  \nrelative\n/\n/opt/../home\n");
  if (!isRoot) {
    expect(check("/srv/data")).toThrow(/can be written by others than root/);
    return;
  }
  for (const folder of ["/srv/data", "/srv/data/x", "/home/ann/a b/c"]) expect(check(folder)).not.toThrow();
  for (const folder of ["/srv", "/srv/database", "/home/bob", "/home/ann", "/etc"])
    expect(check(folder)).toThrow(/root does not allow/);
});

test("the running system, root's records and the state folder are never mounted, and no folder that contains them", () => {
  writeFileSync(list, "/proc\n/run\n/var\n/dev/shm\n/tmp\n");
  for (const folder of [
    "/proc/1",
    "/run/user/0",
    "/var",
    "/var/lib/hyperhive/agents",
    "/dev/shm",
    etc,
    join(etc, "hives"),
    "/var/run/x",
    "/home/hive/run/agents",
    "/home/hive",
  ])
    expect(check(folder), folder).toThrow(/no agent can have it/);
});

test("what root runs is never mounted writable, and no folder that contains it", () => {
  if (!isRoot) return;
  writeFileSync(list, "/opt\n/usr\n");
  for (const folder of ["/opt/hyperhive", "/opt/hyperhive/dist", "/opt", "/usr/bin", "/usr"]) {
    expect(check(folder, "rw"), folder).toThrow(/no agent can have it/);
    expect(check(folder), folder).not.toThrow();
  }
  for (const folder of ["/opt/hyperhive-data", "/usr/share"]) expect(check(folder, "rw"), folder).not.toThrow();
});

test("a list that others can write does not count", () => {
  if (!isRoot) return;
  writeFileSync(list, "/srv\n");
  chmodSync(list, 0o664);
  expect(check("/srv")).toThrow(/can be written by others than root/);
  chmodSync(list, 0o644);
  chownSync(list, 64_991, 0);
  expect(check("/srv")).toThrow(/can be written by others than root/);
});
