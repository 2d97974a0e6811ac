// `npm run powercut -- --cuts 100 --fs ext4`: takes the power from a filesystem while the store writes to it, opens
// what is left, and counts what was acknowledged and is lost. docs/reliability.md says what that proves.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleCampaign, cannot, options } from "./campaign.mjs";
import { exec, has } from "./lib.mjs";

/** Holds what a hundred rounds write; sparse, so it costs what is in it. xfs wants 300 MiB at least. */
const IMAGE_BYTES = 1024 * 1024 * 1024;
/** A cut comes after this many acknowledgements of a round, at random. */
const MOST_BEFORE_CUT = 1_000;
const MAKE = { ext4: ["mkfs.ext4", "-q", "-F"], xfs: ["mkfs.xfs", "-q", "-f"] };
/** What writes and what checks. Each is `test/campaigns/<name>.ts` with the modes `write` and `check`. */
const WORKLOADS = ["messages"];
/** `--control normal`: commits are written and not synced, as SQLite does with synchronous = NORMAL. It must lose, or the cuts prove nothing. */
const CONTROLS = { normal: { from: "() => fdatasyncSync(wal)", to: "() => {}" } };

const { cuts, fs, workload, control } = options({ cuts: "10", fs: "ext4", workload: "messages", control: "" });
if (!MAKE[fs]) throw new Error(`--fs is ${Object.keys(MAKE).join(" or ")}`);
if (!WORKLOADS.includes(workload)) throw new Error(`--workload is ${WORKLOADS.join(" or ")}`);
if (control && !CONTROLS[control]) throw new Error(`--control is ${Object.keys(CONTROLS).join(" or ")}`);
if (process.getuid() !== 0) cannot("mounting needs root");
for (const program of ["unshare", "xfs_io", MAKE[fs][0]])
  if (!(await has(program))) cannot(`${program} is not installed: apt-get install xfsprogs e2fsprogs util-linux`);
if (process.env.HIVE_POWERCUT_INSIDE !== "1") {
  // Everything again in a mount namespace of its own: whatever happens, no mount is left behind.
  const argv = ["-m", "--propagation", "private", process.execPath, ...process.argv.slice(1)];
  const child = spawn("unshare", argv, { stdio: "inherit", env: { ...process.env, HIVE_POWERCUT_INSIDE: "1" } });
  process.exit(await new Promise((resolve) => child.once("close", (code) => resolve(code ?? 1))));
}

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
  writeFileSync(image, "");
  truncateSync(image, IMAGE_BYTES);
  await exec(MAKE[fs][0], [...MAKE[fs].slice(1), image]);
  await exec("mount", ["-o", "loop", image, mount]).catch((error) => cannot(`no loop mounts here: ${error.message}`));
  await exec("umount", [mount]);
  for (let round = 0; round < Number(cuts); round++) {
    writeFileSync(log, "");
    await exec("mount", ["-o", "loop", image, mount]);
    await cut(round);
    // What the disk holds in this moment. The filesystem that was cut is only let go of.
    await exec("cp", ["--sparse=always", image, copy]);
    await exec("umount", [mount]);
    // The next round goes on with what this one left.
    await exec("mv", [copy, image]);
    await exec("mount", ["-o", "loop", image, mount]);
    const found = JSON.parse(await exec(process.execPath, [program, "check", database, log]));
    await exec("umount", [mount]);
    total.cuts++;
    total.acknowledged += found.acknowledged;
    total.lost += found.lost;
    if (found.integrity !== "ok") total.unclean++;
    if (found.lost > 0) total.cuts_with_loss++;
  }
} finally {
  await exec("umount", [mount]).catch(() => {});
  rmSync(folder, { recursive: true, force: true });
}
console.log(JSON.stringify(total));
process.exitCode = total.lost === 0 && total.unclean === 0 ? 0 : 1;

/** Starts the writer, cuts the power at a random moment, and ends it. */
async function cut(round) {
  const writer = spawn(process.execPath, [program, "write", database, log, `r${round}`], { stdio: ["ignore", "pipe", "pipe"] });
  let words = "";
  writer.stderr.on("data", (chunk) => (words += chunk));
  const ended = new Promise((resolve) => writer.once("close", resolve));
  const enough = Math.ceil(Math.random() * MOST_BEFORE_CUT);
  const reached = new Promise((resolve) => {
    writer.stdout.on("data", (chunk) => {
      for (const line of String(chunk).split("\n"))
        if (line.startsWith("{") && line.endsWith("}") && JSON.parse(line).acknowledged >= enough) resolve(true);
    });
  });
  if (!(await Promise.race([reached, ended.then(() => false)]))) throw new Error(`the writer ended before the cut:\n${words}`);
  await exec("xfs_io", ["-x", "-c", "shutdown", mount]);
  writer.kill("SIGKILL");
  await ended;
}
