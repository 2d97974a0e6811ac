// `npm run faults`: the n-th system call on the database fails, or the process dies there, for every n of the life of a
// message and of a migration. After each the database must open clean with everything that was acknowledged.
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleCampaign, cannot, options } from "./campaign.mjs";
import { exec, has } from "./lib.mjs";

/** Every call by which SQLite changes a file, or opens one. */
const CALLS = ["fdatasync", "fsync", "pwrite64", "ftruncate", "openat", "unlink"];
const FAULTS = { EIO: "error=EIO", ENOSPC: "error=ENOSPC", death: "signal=KILL" };
/** The daemon's exit code when the disk failed. */
const DISK_FAILED = 70;
/** Growing the log in advance is thousands of equal writes: that many of them are hit, evenly spread, by default. */
const { points, calls: chosen } = options({ points: "12", calls: CALLS.join(",") });

if (!(await has("strace"))) cannot("strace is not installed: apt-get install strace");
const program = await bundleCampaign("life");
const folder = mkdtempSync(join(tmpdir(), "faults-"));
const database = join(folder, "hive.db");
const old = join(folder, "old.db");
const count = { runs: 0, injected: 0, acknowledged: 0, lost: 0, unclean: 0, went_on_after_fsync: 0 };
const problems = [];
try {
  await exec(process.execPath, [program, "old", old]);
  for (const scene of ["life", "migration"]) {
    for (const call of chosen.split(",")) {
      const calls = await countOf(scene, call);
      for (const n of spread(calls, Number(points))) for (const fault of Object.keys(FAULTS)) await strike(scene, call, n, fault);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const problem of problems.slice(0, 20)) console.log(problem);
console.log(JSON.stringify(count));
process.exitCode = count.lost + count.unclean + count.went_on_after_fsync === 0 && count.injected > 0 ? 0 : 1;

/** Runs the life once under strace; resolves with its words, its exit code and what strace saw. */
async function live(scene, inject) {
  for (const end of ["", "-wal", "-shm"]) rmSync(`${database}${end}`, { force: true });
  if (scene === "migration") copyFileSync(old, database);
  const trace = join(folder, "trace");
  const paths = ["", "-wal", "-shm", "-journal"].flatMap((end) => ["-P", `${database}${end}`]);
  const child = spawn("strace", ["-f", "-o", trace, ...paths, ...inject, process.execPath, program, "life", database], {
    env: { ...process.env, UV_THREADPOOL_SIZE: "1" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let words = "";
  child.stdout.on("data", (chunk) => (words += chunk));
  const code = await new Promise((resolve) => child.once("close", (status, signal) => resolve(status ?? signal)));
  return { words, code, trace: readFileSync(trace, "utf8") };
}

async function countOf(scene, call) {
  const { trace } = await live(scene, ["-e", `trace=${call}`]);
  return trace.split("\n").filter((line) => line.includes(`${call}(`)).length;
}

/** The first and last few of many, and evenly between; all of few. */
function spread(calls, most) {
  if (calls <= most) return Array.from({ length: calls }, (_, at) => at + 1);
  const step = (calls - 1) / (most - 1);
  return [...new Set(Array.from({ length: most }, (_, at) => Math.round(1 + at * step)))];
}

async function strike(scene, call, n, fault) {
  const { words, code, trace } = await live(scene, ["-e", `inject=${call}:${FAULTS[fault]}:when=${n}`]);
  count.runs++;
  const isHit = fault === "death" ? code === "SIGKILL" : trace.includes("(INJECTED)");
  if (!isHit) return;
  count.injected++;
  const log = join(folder, "words");
  writeFileSync(log, words);
  const where = `${scene}: ${call} ${n}, ${fault}`;
  if (call.endsWith("sync") && fault !== "death" && code !== DISK_FAILED) {
    count.went_on_after_fsync++;
    problems.push(`${where}: exit ${code} instead of ${DISK_FAILED}`);
  }
  // Killed before there was a file: nothing was acknowledged, and the next start makes one.
  if (!existsSync(database)) return;
  const found = JSON.parse(await exec(process.execPath, [program, "check", database, log, scene]));
  count.acknowledged += found.acknowledged;
  count.lost += found.lost;
  if (found.integrity !== "ok") count.unclean++;
  if (found.lost > 0 || found.integrity !== "ok") problems.push(`${where}: ${JSON.stringify(found)}\n${words}`);
}
