import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  watch,
  writeFileSync,
} from "node:fs";
import type { ChildProcess } from "node:child_process";
import { basename, dirname, join } from "node:path";
import { detectLimits, makeGroup, type Group, type LimitWay } from "../../os/cgroups.ts";
import { idMap, idMapsLack } from "../../os/id-map.ts";
import { LOG_BYTES } from "../../os/keep-log.ts";
import { LAUNCH_ENV } from "../../os/launch-env.ts";
import { identify, isAlive, parentOf, signal, type ProcessId } from "../../os/process-id.ts";
import { run, startDetached } from "../../os/run.ts";
import { isMapped, isMappedRoot } from "../../os/user-namespace.ts";
import { filterArchitecture, noFilter, seccompFilter } from "../../os/seccomp/filter.ts";
import { CageError, type CageExit, type CageSpec, type Driver, type Identity, type Running } from "../port.ts";
import { LAUNCHER, NO_ID_MAP, STAGE_FOLDERS } from "./launcher.ts";
import { bwrapArguments, ownFiles, privateSources, type HostFacts } from "./spec.ts";
import { makeRoomInLog } from "../cage-log.ts";
import { checkSource, prepareFolders } from "../sources.ts";
import { hostUid } from "../uids.ts";

/** Maximum time for bubblewrap to build a cage. It takes 11 ms. Milliseconds. */
const BUILD_MS = 20_000;
/** Interval for checking a cage that is not our child, in case its end was not recorded. Milliseconds. */
const ADOPTED_CHECK_MS = 1_000;
/** Maximum time for killed processes to end, and the interval for checking. Milliseconds. */
const GONE_MS = 10_000;
const GONE_STEP_MS = 5;

/** The record of a cage from which the next daemon finds it. */
interface Note {
  init: ProcessId;
  /** The bubblewrap process outside the cage. */
  outer: ProcessId;
  /** The shell around it, which ends last. Cages of earlier versions have none. */
  launcher?: ProcessId;
  group: string;
  limitBytes: number;
  cpuPercent: number;
  pids: number;
}

const host: HostFacts = {
  exists: existsSync,
  linkTarget(path) {
    try {
      return readlinkSync(path);
    } catch {
      // Not a link, or it does not exist.
      return undefined;
    }
  },
};

/**
 * Cages with bubblewrap, on any Linux. As root, each agent has its own host uid. As a plain user, all cages share the
 * operator's uid on the host and are separated by their mount namespaces.
 */
export function bwrapDriver(options: { limits?: LimitWay } = {}): Driver {
  const way = options.limits ?? detectLimits();
  const isRoot = process.getuid?.() === 0;

  return {
    name: "bwrap",
    cannot() {
      const words: string[] = [];
      if (way.kind === "prlimit") words.push(whatIsHeld(way.why, isRoot));
      if (isRoot && !isMappedRoot())
        words.push("the daemon runs as root, and not as a user of its own: hive-w4rden starts it so");
      if (!isRoot) words.push("all cages share your uid on this host; their namespaces separate them");
      return words;
    },
    identityFor(hiveId, ordinal): Identity {
      const uid = hostUid(hiveId, ordinal);
      if (isRoot && !isMapped(uid))
        throw new CageError(
          `the kernel lets this daemon use other uids than those of the hive ${hiveId}: root's record of this state folder, in /etc/hyperhive/hives, is another hive's. After a restore, remove that record and start again`,
        );
      if (isRoot) return { kind: "host-uid", uid, gid: uid };
      return { kind: "user-namespace", uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    },
    async prepare(spec) {
      prepareFolders(spec);
    },
    start: (spec) => start(spec, way, isRoot),
    adopt: (spec) => adopt(spec, way),
    async destroy(spec) {
      await (await adopt(spec, way))?.kill();
      rmSync(spec.cageDir, { recursive: true, force: true });
    },
  };
}

/** Describes the limits that hold if no group can be made. */
function whatIsHeld(why: string, isRoot: boolean): string {
  const held = isRoot
    ? "memory is bounded for each process and the number of processes for each agent, but memory as a whole and cpu are not"
    : "memory is bounded for each process, but memory as a whole, cpu and the number of processes are not";
  return `limits are held by prlimit only: ${held} (${why})`;
}

async function start(spec: CageSpec, way: LimitWay, isRoot: boolean): Promise<Running> {
  if (filterArchitecture() === undefined) throw new CageError(noFilter());
  const sources = privateSources(spec);
  sources.forEach(({ host: path, boundAt, cage }) => checkSource(boundAt ?? path, cage));
  const mapped = sources.some(({ owner }) => owner !== undefined);
  const maps = sources.some(({ owner, boundAt }) => owner !== undefined && boundAt === undefined);
  const lacks = maps ? await idMapsLack() : undefined;
  if (lacks !== undefined) throw new CageError(`a mount of the agent is id-mapped: ${lacks}`);
  const stage = STAGE_FOLDERS.find((folder) => existsSync(folder) && !spec.cageDir.startsWith(`${folder}/stage`));
  if (!stage) throw new CageError("none of /mnt, /srv, /media and /tmp exists: make one");
  const scratch = join(spec.cageDir, "stage");
  mkdirSync(scratch, { recursive: true, mode: 0o700 });

  const groupName = `hive-${spec.hiveId}-${spec.agentId}`;
  const limits = { memoryBytes: spec.limits.memoryBytes, cpuPercent: spec.limits.cpuPercent, pids: spec.limits.pids };
  const group = makeGroup(way, groupName, limits);
  const oomsBefore = group.oomKills();

  const files = ownFiles(spec);
  const fileFds = files.map((file) => nameless(spec.cageDir, file.text));
  // Descriptors in the launcher: 0 to 2, the arguments, the status, the filter, and the own files from 6 on.
  const args = bwrapArguments(
    spec,
    host,
    (index) => (isRoot ? `${stage}/${index}` : (sources[index]?.host ?? "")),
    5,
    (index) => index + 6,
  );
  const filterFd = nameless(spec.cageDir, seccompFilter({ noSetgid: mapped }));
  const argsFd = nameless(spec.cageDir, args.join("\0"));
  const statusFile = join(spec.cageDir, "status.json");
  const statusFd = openSync(statusFile, "w", 0o600);
  makeRoomInLog(spec.logFile);
  const logFd = openSync(spec.logFile, "a", 0o640);

  const launch = [
    "-c",
    LAUNCHER,
    "hive-launch",
    isRoot ? String(spec.identity.uid) : "-",
    String(spec.identity.gid),
    stage,
    scratch,
    basename(spec.logFile),
    String(LOG_BYTES),
    ...group.procsFiles,
    "--",
    ...sources.flatMap(({ host: path, owner, boundAt }) => [
      owner === undefined || boundAt !== undefined ? "-" : idMap(owner, spec.identity),
      boundAt ?? path,
    ]),
    "--",
    ...spec.argv,
  ];
  const [program, argv] = isRoot
    ? group.command("unshare", ["--mount", "--propagation", "private", "--", "/bin/sh", ...launch])
    : group.command("/bin/sh", launch);
  const errorsBefore = statSync(spec.logFile).size;
  let child: ChildProcess;
  try {
    child = startDetached(program, argv, {
      env: { ...LAUNCH_ENV, ...group.env },
      cwd: dirname(spec.logFile),
      stdio: ["ignore", logFd, logFd, argsFd, statusFd, filterFd, ...fileFds],
    });
  } finally {
    for (const fd of [argsFd, statusFd, filterFd, logFd, ...fileFds]) closeSync(fd);
  }
  const ended = new Promise<CageExit>((resolve) => {
    child.once("exit", (code, name) => resolve(name ? { code, signal: name } : { code }));
    child.once("error", (error) => resolve({ code: null, reason: error.message }));
  });

  const initPid = await firstPid(statusFile, ended);
  const launcher = child.pid === undefined ? undefined : identify(child.pid);
  const init = initPid === undefined ? undefined : identify(initPid);
  const outer = initPid === undefined ? undefined : parentOf(initPid);
  if (!launcher || !init || !outer) {
    const exit = await ended;
    group.remove();
    const words = tail(spec.logFile, errorsBefore);
    // A cage whose program ended at once was built. For any other failure, explain the reason.
    if (initPid !== undefined) return endedAtOnce(exit, statusFile);
    throw new CageError(await explain(words, exit));
  }
  const note: Note = {
    init,
    outer,
    launcher,
    group: groupName,
    limitBytes: limits.memoryBytes,
    cpuPercent: limits.cpuPercent,
    pids: limits.pids,
  };
  writeNote(spec.cageDir, note);
  const exited = ended.then(async ({ reason }) => {
    // The launcher ends last. If it was killed before, the cage has lost its log and is killed, too.
    if (signal(init, "SIGKILL") === "sent") await gone(init);
    rmSync(join(spec.cageDir, "cage.json"), { force: true });
    const exit = { code: readStatus(statusFile).exitCode ?? null, ...(reason === undefined ? {} : { reason }) };
    return withReason(exit, group, oomsBefore, limits.memoryBytes);
  });
  return running(note, exited, group);
}

/** A cage that was built and whose program ended before we could check. */
function endedAtOnce(exit: CageExit, statusFile: string): Running {
  const code = readStatus(statusFile).exitCode ?? exit.code;
  return {
    init: { pid: 0, startTime: 0 },
    exited: Promise.resolve({ ...exit, code }),
    kill: async () => {},
    memoryBytes: () => undefined,
  };
}

async function adopt(spec: Pick<CageSpec, "cageDir" | "hiveId" | "agentId">, way: LimitWay): Promise<Running | null> {
  const note = readNote(spec.cageDir);
  if (!note) return null;
  const group = makeGroup(way, note.group, { memoryBytes: note.limitBytes, cpuPercent: note.cpuPercent, pids: note.pids });
  if (!isAlive(note.init)) {
    // The cage ended while no daemon ran. Remove the rest.
    await endLauncher(note);
    group.remove();
    rmSync(join(spec.cageDir, "cage.json"), { force: true });
    return null;
  }
  const statusFile = join(spec.cageDir, "status.json");
  const oomsBefore = group.oomKills();
  const exited = new Promise<void>((resolve) => {
    const watcher = existsSync(statusFile) ? watch(statusFile, () => look()) : undefined;
    const timer = setInterval(() => look(), ADOPTED_CHECK_MS);
    timer.unref();
    watcher?.unref();
    const look = (): void => {
      if (isAlive(note.init)) return;
      watcher?.close();
      clearInterval(timer);
      resolve();
    };
    look();
  }).then(async () => {
    // When the launcher has ended, the log contains all output of the cage.
    await endLauncher(note);
    rmSync(join(spec.cageDir, "cage.json"), { force: true });
    return withReason({ code: readStatus(statusFile).exitCode ?? null }, group, oomsBefore, note.limitBytes);
  });
  return running(note, exited, group);
}

function running(note: Note, exited: Promise<CageExit>, group: Group): Running {
  return {
    init: note.init,
    exited,
    memoryBytes: () => group.memoryBytes(),
    async kill() {
      // The kernel ends a pid namespace with its first process.
      end(note.init, note);
      await gone(note.init);
      await endLauncher(note);
      await exited;
      for (let waited = 0; !group.remove() && waited < GONE_MS; waited += GONE_STEP_MS) await pause();
    },
  };
}

function withReason(exit: CageExit, group: Group, oomsBefore: number, limitBytes: number): CageExit {
  const killed = group.oomKills() > oomsBefore;
  group.remove();
  return killed
    ? { ...exit, reason: `exit ${exit.code ?? 137}: over its memory limit (${Math.round(limitBytes / 1024 / 1024)} MiB)` }
    : exit;
}

/**
 * Waits for the processes around a cage whose first process is dead. Bubblewrap reaps that process, the launcher reaps
 * bubblewrap, and both then end, even on a busy machine or after SIGSTOP. If they were killed earlier, a zombie could
 * remain on a host whose init reaps none.
 */
async function endLauncher(note: Note): Promise<void> {
  const { outer, launcher } = note;
  const all = launcher === undefined ? [outer] : [outer, launcher];
  for (const one of all) signal(one, "SIGCONT");
  for (const one of all) {
    if (await gone(one, GONE_MS)) continue;
    end(one, note);
    await gone(one);
  }
}

/**
 * Kills a process of a cage. A daemon that root's helper has started is root of its own user namespace only, so it may
 * not signal the agents' processes in a cage of the daemon before it. The launcher runs as the daemon's user, and
 * bubblewrap and the cage end with it.
 */
function end(one: ProcessId, { launcher }: Note): void {
  if (signal(one, "SIGKILL") === "refused" && launcher !== undefined) signal(launcher, "SIGKILL");
}

/**
 * Waits for a process to end. With `limitMs` it returns whether the process ended; otherwise a timeout is an error.
 */
async function gone(target: ProcessId, limitMs?: number): Promise<boolean> {
  for (let waited = 0; isAlive(target); waited += GONE_STEP_MS) {
    if (limitMs !== undefined && waited > limitMs) return false;
    if (waited > GONE_MS) throw new CageError(`process ${target.pid} does not end after SIGKILL: it hangs in the kernel`);
    await pause();
  }
  return true;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, GONE_STEP_MS));
}

/** A descriptor of an unlinked file with this content. */
function nameless(folder: string, content: string | Buffer): number {
  const file = join(folder, `held-${process.pid}-${Math.random().toString(36).slice(2)}`);
  writeFileSync(file, content, { mode: 0o600 });
  const fd = openSync(file, "r");
  unlinkSync(file);
  return fd;
}

/** The host pid of the cage's first process, once bubblewrap has written it; undefined if it ended before. */
async function firstPid(statusFile: string, ended: Promise<CageExit>): Promise<number | undefined> {
  return new Promise((resolve) => {
    const watcher = watch(statusFile, () => look());
    const timer = setTimeout(() => finish(undefined), BUILD_MS);
    const finish = (pid: number | undefined): void => {
      clearTimeout(timer);
      watcher.close();
      resolve(pid);
    };
    const look = (): void => {
      const pid = readStatus(statusFile).childPid;
      if (pid !== undefined) finish(pid);
    };
    const atEnd = (): void => finish(readStatus(statusFile).childPid);
    void ended.then(atEnd);
    look();
  });
}

function readStatus(file: string): { childPid?: number; exitCode?: number } {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    // Bubblewrap has not written it yet, or failed before that.
    return {};
  }
  const childPid = /"child-pid":\s*(\d+)/.exec(text)?.[1];
  const exitCode = /"exit-code":\s*(\d+)/.exec(text)?.[1];
  return { ...(childPid ? { childPid: Number(childPid) } : {}), ...(exitCode ? { exitCode: Number(exitCode) } : {}) };
}

function writeNote(cageDir: string, note: Note): void {
  const file = join(cageDir, "cage.json");
  writeFileSync(`${file}.new`, JSON.stringify(note), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function readNote(cageDir: string): Note | undefined {
  try {
    return JSON.parse(readFileSync(join(cageDir, "cage.json"), "utf8")) as Note;
  } catch {
    // No cage was started here, or the note is from another driver. There is no cage to adopt.
    return undefined;
  }
}

function tail(file: string, from: number): string {
  try {
    return readFileSync(file).subarray(from).toString("utf8").trim().slice(-2000);
  } catch {
    // No log: the cage ended before it could be opened.
    return "";
  }
}

/** Why a cage could not be built, and what to do about it. */
async function explain(words: string, exit: CageExit): Promise<string> {
  for (const program of ["bwrap", "unshare", "setpriv"]) {
    if ((await run(program, ["--version"])).missing) {
      return `${program} is not installed. On Debian and Ubuntu: sudo apt-get install ${program === "bwrap" ? "bubblewrap" : "util-linux"}`;
    }
  }
  if (words.includes(NO_ID_MAP)) {
    return `the id map of a mount could not be made. Give the folder back to the user who owned it when the mount was approved, or propose the mount again (${words})`;
  }
  if (/seccomp/i.test(words)) {
    return `the kernel does not take the system-call filter of a cage (${words}): it needs CONFIG_SECCOMP_FILTER and Linux 4.14 or newer`;
  }
  if (/user namespace|uid map|Operation not permitted|No permissions to create/i.test(words)) {
    return `this host does not let programs make user namespaces (${words}). Run \`hive-c0re doctor\`: it names the setting that mends it`;
  }
  return `bubblewrap could not build the cage: ${words || exit.reason || `exit ${exit.code ?? exit.signal}`}`;
}
