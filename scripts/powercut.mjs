// `npm run powercut -- --cuts 100 --fs ext4`: cuts the power of a filesystem while the product writes to it, opens what
// remains, and counts what was acknowledged and is lost. The counts are in docs/campaigns.md.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleCampaign, cannot, options } from "./campaign.mjs";
import { exec, has } from "./lib.mjs";

/** Has room for a hundred rounds. It is sparse, so it only takes the space of its content. xfs needs at least 300 MiB. */
const IMAGE_BYTES = 1024 * 1024 * 1024;
const MAKE = { ext4: ["mkfs.ext4", "-q", "-F"], xfs: ["mkfs.xfs", "-q", "-f"] };
/**
 * The workloads. Each is `test/campaigns/<name>.ts` with the modes `write` and `check`. A cut happens after a random
 * number of acknowledgements, up to this many, and then up to this many milliseconds. After this many rounds a workload
 * gets a new filesystem, if its check reads the whole history.
 */
const WORKLOADS = {
  messages: { acknowledgements: 1_000, milliseconds: 0, rounds: Infinity },
  deploys: { acknowledgements: 40, milliseconds: 150, rounds: 25 },
  changes: { acknowledgements: 12, milliseconds: 300, rounds: 25 },
  upstream: { acknowledgements: 20, milliseconds: 600, rounds: 8 },
};
/**
 * Controls must lose data, or the cuts prove nothing. `normal`: commits are written and not synced, as SQLite does with
 * synchronous = NORMAL. `git`: git writes with its default settings, and the folders of its refs are not synced.
 * `objects`: objects of pushes and merges are moved into a repository without a sync. `push`: a push to a host is taken for
 * done without being sent.
 */
const CONTROLS = {
  normal: [{ from: "() => fdatasyncSync(wal)", to: "() => {}" }],
  git: [
    { from: '"core.fsync=all",', to: "" },
    { from: "await handle.sync();", to: "" },
  ],
  push: [{ from: "await conversation.ask(Readable.from(bodyOf(command, objects)));", to: '0; return { end: "pushed" };' }],
  objects: [{ from: "await handle.chmod(0o444);\n    await handle.sync();", to: "await handle.chmod(0o444);" }],
};

/** `--most 10`: a cut happens after at most this many acknowledgements, if that is fewer than the workload's own number. */
const { cuts, fs, workload, control, most } = options({ cuts: "10", fs: "ext4", workload: "all", control: "", most: "" });
if (workload === "all") {
  // Each in turn, as a separate run.
  let worst = 0;
  for (const name of Object.keys(WORKLOADS)) {
    const argv = [process.argv[1], ...process.argv.slice(2), "--workload", name];
    const child = spawn(process.execPath, argv, { stdio: "inherit" });
    worst = Math.max(worst, await new Promise((resolve) => child.once("close", (code) => resolve(code ?? 1))));
  }
  process.exit(worst);
}
if (!MAKE[fs]) throw new Error(`--fs is ${Object.keys(MAKE).join(" or ")}`);
const work = WORKLOADS[workload];
if (!work) throw new Error(`--workload is all, ${Object.keys(WORKLOADS).join(" or ")}`);
if (control && !CONTROLS[control]) throw new Error(`--control is ${Object.keys(CONTROLS).join(" or ")}`);
if (process.getuid() !== 0) cannot("mounting needs root");
for (const program of ["unshare", "xfs_io", MAKE[fs][0]])
  if (!(await has(program))) cannot(`${program} is not installed: apt-get install xfsprogs e2fsprogs util-linux`);
if (process.env.HIVE_POWERCUT_INSIDE !== "1") {
  // Run everything again in a separate mount namespace, so that no mount is left behind.
  const argv = ["-m", "--propagation", "private", process.execPath, ...process.argv.slice(1)];
  const child = spawn("unshare", argv, { stdio: "inherit", env: { ...process.env, HIVE_POWERCUT_INSIDE: "1" } });
  process.exit(await new Promise((resolve) => child.once("close", (code) => resolve(code ?? 1))));
}

// A process of the last round may hold the filesystem that was cut for a moment longer; xfs mounts none with the same id.
const OPTIONS = fs === "xfs" ? "loop,nouuid" : "loop";
const program = await bundleCampaign(workload, CONTROLS[control]);
const folder = mkdtempSync(join(tmpdir(), "powercut-"));
const image = join(folder, "disk.img");
const copy = join(folder, "copy.img");
const mount = join(folder, "m");
const log = join(folder, "acknowledged.log");
const database = join(mount, "hive.db");
const total = { workload, fs, control: control || "none", cuts: 0, acknowledged: 0, lost: 0, unclean: 0, cuts_with_loss: 0 };
try {
  mkdirSync(mount);
  await newDisk();
  await exec("mount", ["-o", OPTIONS, image, mount]).catch((error) => cannot(`no loop mounts here: ${error.message}`));
  await exec("umount", [mount]);
  for (let round = 0; round < Number(cuts); round++) {
    if (round > 0 && round % work.rounds === 0) await newDisk();
    writeFileSync(log, "");
    await exec("mount", ["-o", OPTIONS, image, mount]);
    try {
      await cut(round);
    } catch (error) {
      // The filesystem after the last cut could not be opened, so the next round cannot use it.
      await unusable(round, error);
      continue;
    }
    // Copy the current content of the disk. The filesystem that was cut is only unmounted.
    await exec("cp", ["--sparse=always", image, copy]);
    await exec("umount", [mount]);
    // The next round continues with the result of this one.
    await exec("mv", [copy, image]);
    await exec("mount", ["-o", OPTIONS, image, mount]);
    total.cuts++;
    let found;
    try {
      found = JSON.parse(await exec(process.execPath, [program, "check", database, log]));
    } catch (error) {
      await unusable(round, error);
      continue;
    }
    await exec("umount", [mount]);
    const { integrity, ...counts } = found;
    // Adds a workload's own counts to the common ones.
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
    if (integrity !== "ok") {
      total.unclean++;
      console.error(`cut ${round}: ${integrity}`);
    }
    if (counts.lost > 0) total.cuts_with_loss++;
  }
} finally {
  await exec("umount", [mount]).catch(() => {}); // Already unmounted after a complete round.
  rmSync(folder, { recursive: true, force: true });
}
console.log(JSON.stringify(total));
process.exitCode = total.lost === 0 && total.unclean === 0 ? 0 : 1;

/** The remains cannot be opened: reports and counts it. The next round begins on a new disk. */
async function unusable(round, error) {
  console.error(`cut ${round}: ${error.message}`);
  total.unclean++;
  await exec("umount", [mount]);
  await newDisk();
}

/** Makes an empty filesystem in the file. */
async function newDisk() {
  writeFileSync(image, "");
  truncateSync(image, IMAGE_BYTES);
  await exec(MAKE[fs][0], [...MAKE[fs].slice(1), image]);
}

/** Starts the writer, cuts the power at a random moment, and ends it. */
async function cut(round) {
  const writer = spawn(process.execPath, [program, "write", database, log, `r${round}`], { stdio: ["ignore", "pipe", "pipe"] });
  let words = "";
  writer.stderr.on("data", (chunk) => (words += chunk));
  const ended = new Promise((resolve) => writer.once("close", resolve));
  const enough = Math.ceil(Math.random() * Math.min(work.acknowledgements, Number(most) || Infinity));
  const reached = new Promise((resolve) => {
    writer.stdout.on("data", (chunk) => {
      for (const line of String(chunk).split("\n"))
        if (line.startsWith("{") && line.endsWith("}") && JSON.parse(line).acknowledged >= enough) resolve(true);
    });
  });
  if (!(await Promise.race([reached, ended.then(() => false)]))) throw new Error(`the writer ended before the cut:\n${words}`);
  // Anywhere between two acknowledgements, not only right after one.
  await new Promise((resolve) => setTimeout(resolve, Math.random() * work.milliseconds));
  await exec("xfs_io", ["-x", "-c", "shutdown", mount]);
  writer.kill("SIGKILL");
  await ended;
}
