// `npm run faults`: the n-th system call on the database fails, or the process dies there, for every n in the life of a
// message and of a migration. After each fault the database must open without errors and have everything that was
// acknowledged.
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleCampaign, cannot, options } from "./campaign.mjs";
import { exec, has } from "./lib.mjs";

/** The calls with which SQLite opens or changes a file. */
const CALLS = ["fdatasync", "fsync", "pwrite64", "ftruncate", "openat", "unlink"];
const FAULTS = { EIO: "error=EIO", ENOSPC: "error=ENOSPC", EDQUOT: "error=EDQUOT", death: "signal=KILL" };
/** The parts of a life, as `test/campaigns/life.ts` marks their ends. */
const PARTS = ["opening", "many sends at once", "a send", "a lease and its end", "an event batch", "closing"];
/** The daemon's exit code when the disk failed. */
const DISK_FAILED = 70;
/**
 * Growing the log in advance makes thousands of equal writes in a row. A row of at least this length is hit only at a
 * few places.
 */
const LONG_ROW = 200;
const HITS_IN_A_ROW = 12;
/** `--points 12` hits that many calls of each kind, evenly spread. Without it every call is hit. */
const {
  points,
  calls: chosen,
  faults,
} = options({
  points: "all",
  calls: CALLS.join(","),
  faults: Object.keys(FAULTS).join(","),
});
for (const fault of faults.split(","))
  if (!FAULTS[fault]) throw new Error(`--faults is one or more of ${Object.keys(FAULTS).join(",")}`);

if (!(await has("strace"))) cannot("strace is not installed: apt-get install strace");
const program = await bundleCampaign("life");
const folder = mkdtempSync(join(tmpdir(), "faults-"));
const database = join(folder, "hive.db");
const old = join(folder, "old.db");
const marks = join(folder, "mark");
const count = { runs: 0, injected: 0, acknowledged: 0, lost: 0, unclean: 0, went_on_after_fsync: 0 };
/** The calls that were hit, by part of the life. */
const hits = {};
const problems = [];
try {
  await exec(process.execPath, [program, "old", old]);
  for (const scene of ["life", "migration"]) {
    const lived = await calls(scene);
    for (const call of chosen.split(",")) {
      const every = lived.filter((one) => one.call === call);
      const chosenOnes = points === "all" ? withoutRows(every) : spread(every, Number(points));
      for (const { n, part } of chosenOnes) {
        const where = `${scene}: ${part}`;
        hits[where] = (hits[where] ?? 0) + 1;
        for (const fault of faults.split(",")) await strike(scene, part, call, n, fault);
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const problem of problems.slice(0, 20)) console.log(problem);
console.log(JSON.stringify({ calls_hit: hits }));
console.log(JSON.stringify(count));
process.exitCode = count.lost + count.unclean + count.went_on_after_fsync === 0 && count.injected > 0 ? 0 : 1;

/** Runs the life once under strace. Resolves with its output, its exit code and the trace. */
async function live(scene, inject, marked = []) {
  for (const end of ["", "-wal", "-shm"]) rmSync(`${database}${end}`, { force: true });
  if (scene === "migration") copyFileSync(old, database);
  const trace = join(folder, "trace");
  const paths = [...["", "-wal", "-shm", "-journal"].map((end) => `${database}${end}`), ...marked].flatMap((path) => [
    "-P",
    path,
  ]);
  const argv = ["-f", "-o", trace, ...paths, ...inject, process.execPath, program, "life", database, ...marked];
  const child = spawn("strace", argv, {
    env: { ...process.env, UV_THREADPOOL_SIZE: "1" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let words = "";
  child.stdout.on("data", (chunk) => (words += chunk));
  const code = await new Promise((resolve) => child.once("close", (status, signal) => resolve(status ?? signal)));
  return { words, code, trace: readFileSync(trace, "utf8") };
}

/**
 * The calls of a life, in order: each call's number within its kind, and its part of the life. strace counts in each
 * thread separately and hits the first thread that reaches the number, so further calls with the same number are left
 * out.
 */
async function calls(scene) {
  writeFileSync(marks, "");
  const { trace } = await live(scene, ["-e", `trace=${CALLS.join(",")},access,faccessat,faccessat2`], [marks]);
  const seen = {};
  const taken = new Set();
  const lived = [];
  let marked = 0;
  for (const line of trace.split("\n")) {
    const [, thread, call] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
    if (call === undefined) continue;
    if (line.includes(`"${marks}"`)) marked++;
    else if (CALLS.includes(call)) {
      const n = (seen[`${thread} ${call}`] = (seen[`${thread} ${call}`] ?? 0) + 1);
      if (taken.has(`${call} ${n}`)) continue;
      taken.add(`${call} ${n}`);
      lived.push({ call, n, at: lived.length, part: PARTS[marked] });
    }
  }
  if (marked !== PARTS.length - 1) throw new Error(`the life has set ${marked} marks instead of ${PARTS.length - 1}`);
  return lived;
}

/** All calls, but only a few of each long row of the same call. */
function withoutRows(every) {
  const rows = [];
  for (const one of every) {
    const row = rows.at(-1);
    if (row && row.at(-1).at === one.at - 1) row.push(one);
    else rows.push([one]);
  }
  return rows.flatMap((row) => (row.length > LONG_ROW ? spread(row, HITS_IN_A_ROW) : row));
}

/** Selects up to `most` of the calls: the first and last few, and evenly between them. */
function spread(every, most) {
  if (every.length <= most) return every;
  if (most < 2) return every.slice(0, most);
  const step = (every.length - 1) / (most - 1);
  return [...new Set(Array.from({ length: most }, (_, at) => Math.round(at * step)))].map((at) => every[at]);
}

async function strike(scene, part, call, n, fault) {
  const { words, code, trace } = await live(scene, ["-e", `inject=${call}:${FAULTS[fault]}:when=${n}`]);
  count.runs++;
  const isHit = fault === "death" ? code === "SIGKILL" : trace.includes("(INJECTED)");
  if (!isHit) return;
  count.injected++;
  const log = join(folder, "words");
  writeFileSync(log, words);
  const where = `${scene}, ${part}: ${call} ${n}, ${fault}`;
  if (call.endsWith("sync") && fault !== "death" && code !== DISK_FAILED) {
    count.went_on_after_fsync++;
    problems.push(`${where}: exit ${code} instead of ${DISK_FAILED}`);
  }
  // Killed before there was a file: nothing was acknowledged, and the next start creates one.
  if (!existsSync(database)) return;
  const found = JSON.parse(await exec(process.execPath, [program, "check", database, log, scene]));
  count.acknowledged += found.acknowledged;
  count.lost += found.lost;
  if (found.integrity !== "ok") count.unclean++;
  if (found.lost > 0 || found.integrity !== "ok") problems.push(`${where}: ${JSON.stringify(found)}\n${words}`);
}
