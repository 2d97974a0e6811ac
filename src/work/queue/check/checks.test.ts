import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { groupsNamed } from "../../../os/cgroups.ts";
import { Checks } from "./checks.ts";
import { CHECK_LIMITS } from "./limits.ts";
import { openTestWork, type TestWork } from "../../../../test/lib/work.ts";

let work: TestWork;
afterEach(() => work.close());

const MIB = 1024 * 1024;
const log = (id: number): string => readFileSync(work.paths.changeLog(id), "utf8");

/** Merges one change of a repository with these settings, and returns its row. */
async function merged(settings: Parameters<typeof openTestWork>[0], files: Record<string, string> = { "b.txt": "b\n" }) {
  work = await openTestWork(settings);
  await work.queue.start();
  const id = await work.queued(work.commit(work.tip(), files, "add"));
  await work.queue.idle();
  return work.row(id);
}

/** Nothing of a check is left but its log. */
function expectNothingLeft(): void {
  expect(readdirSync(work.paths.checks)).toEqual([]);
  expect(groupsNamed(`hive-${work.context.hiveId}`)).toEqual([]);
}

test("setup and check run on the result of the merge, in a clone with its history", async () => {
  const check = `
    pwd; cat made b.txt; git log --format=%s -1; git log --format=%s "origin/$BASE" -1; git status --porcelain | grep -v made
    echo "$REPO $BRANCH $BASE $CHANGE"; id -u; echo $HOME; touch ~/x && ls /run/hive; git rev-list --count HEAD`;
  const row = await merged({ settings: { setup: "echo ready > made; echo set up", check } });
  expect(row).toMatchObject({ state: "merged", has_log: 1, reason: null });
  expect(log(row.id).split("\n")).toEqual([
    "set up",
    "/work/web",
    "ready",
    "b",
    `Merge scout/${row.branch}: A change`,
    "first",
    `web scout/${row.branch} main ${row.id}`,
    "1000",
    "/state",
    "objects",
    "output",
    "3",
    "",
  ]);
  expectNothingLeft();
  expect(work.unexpected).toEqual([]);
});

test("a check sees the tags, so that a build can describe its commit", async () => {
  work = await openTestWork({ settings: { check: 'git describe --tags --always "origin/$BASE"; git describe; git tag' } });
  work.git("-c", "user.name=t", "-c", "user.email=t", "tag", "-a", "-m", "one", "v1.0", work.tip());
  await work.repositories.setTags(
    "web",
    new Map([
      ["v1.0", work.git("rev-parse", "v1.0")],
      ["plain", work.tip()],
    ]),
  );
  await work.queue.start();
  const id = await work.queued(work.commit(work.tip(), { "b.txt": "b\n" }));
  await work.queue.idle();
  expect(work.row(id).state).toBe("merged");
  expect(log(id)).toMatch(/^v1\.0\nv1\.0-2-g[0-9a-f]+\nplain\nv1\.0\n$/);
  expectNothingLeft();
});

test("a failed check returns the change with the end of its output, and the base stays", async () => {
  const row = await merged({ settings: { check: 'seq 5000; printf "\\033[31mred\\033[0m\\r\\nlast\\n"; exit 3' } });
  expect(row.state).toBe("checks_failed");
  expect(row.reason).toMatch(/^the check failed with exit code 3\n\n[^]*\n5000\nred\nlast$/);
  expect(row.reason?.length).toBeLessThanOrEqual(4096);
  expect(log(row.id)).toMatch(/^1\n2\n[^]*last\nhyperhive: the check failed with exit code 3\n$/);
  expect(work.git("rev-parse", `${row.sha}^`)).toBe(work.tip());
  expect(work.notices).toMatchObject([{ event: "change_returned", status: "checks_failed" }]);
  expectNothingLeft();
});

test("a failed setup is named", async () => {
  const row = await merged({ settings: { setup: "exit 9", check: "true" } });
  expect(row.reason).toBe("the check failed with exit code 9\n\nhyperhive: the setup failed with exit code 9");
});

test("a check that never ends is ended and named", async () => {
  const row = await merged({ settings: { check: "(setsid sleep 1000 &); echo on; sleep 1000" }, limits: { timeMs: 2_000 } });
  expect(row).toMatchObject({
    state: "checks_failed",
    reason: expect.stringMatching(/^the check was ended: it ran for 0 minutes\n\non$/),
  });
  expectNothingLeft();
});

test("a check that fills the disk is ended and named", async () => {
  const fill = "n=0; while :; do n=$((n + 1)); head -c 1000000 /dev/zero > $n; done";
  const row = await merged({ settings: { check: fill }, limits: { diskBytes: 40 * MIB, diskEveryMs: 20 } });
  expect(row).toMatchObject({ state: "checks_failed", reason: "the check was ended: it used more than 40 MiB of disk" });
  expectNothingLeft();
});

test("one file cannot be larger than the disk limit", async () => {
  const check = "head -c 60000000 /dev/zero > x; ls -l x | cut -d' ' -f5; exit 1";
  const row = await merged({ settings: { check }, limits: { diskBytes: 40 * MIB, diskEveryMs: 1_000_000 } });
  expect(row.reason).toContain(String(40 * MIB));
});

test("a check that forks without end ends, and nothing of it is left", async () => {
  const bomb = "f() { f | f & }; f; sleep 1; exit 7";
  const row = await merged({ settings: { check: bomb }, limits: { pids: 64, timeMs: 60_000 } });
  expect(row.state).toBe("checks_failed");
  expectNothingLeft();
});

test("the log keeps the beginning and the end of more output than it has room for", async () => {
  const row = await merged({ settings: { check: "seq 200000" }, limits: { logBytes: 100_000 } });
  expect(row.state).toBe("merged");
  expect(log(row.id)).toMatch(/^1\n2\n[^]*… \d+ bytes are left out …[^]*\n200000\n$/);
  expect(log(row.id).length).toBeLessThan(120_000);
});

test("a check sees no network, no socket, no other repository and no file of the hive", async () => {
  const check = `
    ls /run/hive /work /config; echo "networks: $(grep -c : /proc/net/dev)"; echo > /run/hive/objects/web/x; echo > /run/hive/y; ls -d "$0" ${process.cwd()}`;
  const row = await merged({ settings: { check: `${check}; exit 1` } });
  const text = log(row.id);
  expect(text).toContain("/run/hive:\nobjects\noutput\n");
  expect(text).toContain("/config:\n\n/run/hive:");
  expect(text).toContain("/work:\nweb\nnetworks: 1\n");
  expect(text.match(/Read-only file system/g)).toHaveLength(2);
  expect(text).toContain(`cannot access '${process.cwd()}'`);
});

test("hooks, filters, attributes and submodules of a change do nothing in its clone", async () => {
  const row = await merged(
    { settings: { check: "ls -A; cat pointer; exit 1" } },
    {
      ".gitattributes": "pointer filter=lfs diff=lfs merge=lfs -text\n*.txt filter=evil\n",
      ".gitmodules": '[submodule "s"]\n\tpath = s\n\turl = file:///etc\n\tupdate = !touch /state/evil\n',
      pointer: "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
      ".githooks/post-checkout": "#!/bin/sh\ntouch /state/evil\n",
      ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:1\n",
    },
  );
  expect(log(row.id)).toContain("version https://git-lfs.github.com/spec/v1");
  expect(log(row.id)).not.toContain("evil");
});

test("two runs for one change share a folder, so the second waits for the first", async () => {
  work = await openTestWork();
  const go = join(work.bare, "objects", "go");
  const id = await work.proposed(work.commit(work.tip(), { b: "b" }));
  const checks = new Checks(work.context, CHECK_LIMITS);
  const on = {
    candidate: work.row(id).sha,
    tip: work.tip(),
    tags: new Map<string, string>(),
    ended: new AbortController().signal,
  };
  const waits = "echo on; while [ ! -e /run/hive/objects/web/go ]; do sleep 0.02; done";
  const first = checks.run(work.row(id), { setup: "", check: waits, egress: [] }, on);
  await expect.poll(() => existsSync(work.paths.changeLog(id)) && log(id), { timeout: 20_000 }).toBe("on\n");
  const second = checks.run(work.row(id), { setup: "", check: "true", egress: [] }, on);
  // That of another change does not wait, and takes as long as the second would have.
  const other = await work.proposed(work.commit(work.tip(), { c: "c" }));
  expect(await checks.run(work.row(other), { setup: "", check: "true", egress: [] }, on)).toEqual({ ok: true });
  writeFileSync(go, "");
  expect(await first).toEqual({ ok: true });
  expect(await second).toEqual({ ok: true });
  expectNothingLeft();
});

test("when the daemon stops, a running check ends and its change waits for the next one", async () => {
  work = await openTestWork({ settings: { check: "echo on; sleep 1000" } });
  await work.queue.start();
  const id = await work.queued(work.commit(work.tip(), { b: "b" }));
  await expect.poll(() => existsSync(work.paths.changeLog(id)) && log(id)).toBe("on\n");
  await work.queue.stop();
  expect(work.row(id)).toMatchObject({ state: "queued", reason: null, candidate: null });
  expectNothingLeft();
});
