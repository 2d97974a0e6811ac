import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, watch, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { identify, isAlive, type ProcessId } from "../../os/process-id.ts";
import { filterArchitecture, noFilter, seccompFilter } from "../../os/seccomp/filter.ts";
import { STATUS_FILE, parseEnd } from "../../wire/container-end.ts";
import type { ContainerStartRequest } from "../../wire/w4rden.ts";
import { ownFiles, privateSources } from "../bwrap/spec.ts";
import { makeRoomInLog } from "../cage-log.ts";
import { CageError, type CageExit, type CageSpec, type Driver, type Identity, type Running } from "../port.ts";
import { checkSource, prepareFolders } from "../sources.ts";
import { hostUid } from "../uids.ts";
import { FILTER_FILE, PIPE_FILE, START_FILE, startScript } from "./start-script.ts";

/** What root's helper does with the containers of this hive. Rejects with its words. */
export interface ContainerHelper {
  /** Resolves with the container's folder, and its first process if it has not ended. */
  start(request: Omit<ContainerStartRequest, "verb">): Promise<{ folder: string; pid?: number | undefined }>;
  /** Ends every process of the container, and removes its binds. Does nothing if the agent has none. */
  kill(agent: string): Promise<void>;
  destroy(agent: string): Promise<void>;
  /** What the container and the service manager have logged last. */
  logs(agent: string, lines: number): Promise<string>;
  /** The same, then each new line as it comes, until `signal` aborts. */
  follow(agent: string, lines: number, signal: AbortSignal): AsyncIterable<string[]>;
}

/** Lines that the helper prints at most. */
const MAX_LOG_LINES = 1000;

/** What the driver needs besides a cage's specification. */
export interface ContainerDriverDeps {
  helperOf(hiveId: string): ContainerHelper;
  /** The system that was built for a cage's generation, a path of the store; undefined if none was. */
  systemOf(spec: CageSpec): string | undefined;
}

/** Interval for checking whether a container has ended, in case the event of it was missed. Milliseconds. */
const CHECK_MS = 1_000;
/** Maximum time between the end of a container's first process and the record of its end. Milliseconds. */
const RECORD_MS = 60_000;
/** What a process may map beyond its limit where only mapped memory is counted, as with bubblewrap. */
const MAPPED_UNUSED_BYTES = 2 * 1024 ** 3;
const CGROUP = "/sys/fs/cgroup";
/** The folder in a cage's folder that the container has at /run/hive-cage. */
const INSIDE = "inside";

/** The record of a cage from which the next daemon finds it. */
interface Note {
  init: ProcessId;
  /** The container's folder in memory. */
  folder: string;
  limitBytes: number;
}

/**
 * Cages that are containers of a NixOS host. Root's helper makes and starts them; this driver, which is no root of the
 * host, says what is in them and follows them.
 */
export function nixosDriver(deps: ContainerDriverDeps): Driver {
  return {
    name: "nixos-container",
    cannot() {
      if (canLimit()) return [];
      return [
        "limits are held by prlimit only: memory is bounded for each process and the number of processes for each agent, but memory as a whole and cpu are not (this host's service manager has no controllers of memory, cpu and pids)",
      ];
    },
    identityFor(hiveId, ordinal): Identity {
      const uid = hostUid(hiveId, ordinal);
      return { kind: "host-uid", uid, gid: uid };
    },
    async prepare(spec) {
      prepareFolders(spec);
    },
    start: (spec) => start(spec, deps),
    adopt: (spec) => adopt(spec, deps.helperOf(spec.hiveId)),
    async systemLog({ hiveId, agentId }, lines) {
      const text = await deps.helperOf(hiveId).logs(agentId, Math.min(lines, MAX_LOG_LINES));
      return text === "" ? [] : text.replace(/\n$/, "").split("\n");
    },
    followSystemLog: ({ hiveId, agentId }, lines, signal) =>
      deps.helperOf(hiveId).follow(agentId, Math.min(lines, MAX_LOG_LINES), signal),
    async destroy(spec) {
      const helper = deps.helperOf(spec.hiveId);
      const cage = await adopt(spec, helper);
      // A container without a note, too.
      await (cage ? cage.kill() : helper.kill(spec.agentId));
      await helper.destroy(spec.agentId);
      rmSync(spec.cageDir, { recursive: true, force: true });
    },
  };
}

/** Whether the service manager can limit containers as a whole. */
function canLimit(): boolean {
  const file = join(CGROUP, "cgroup.controllers");
  if (!existsSync(file)) return false;
  const controllers = readFileSync(file, "utf8").trim().split(" ");
  return ["memory", "cpu", "pids"].every((name) => controllers.includes(name));
}

async function start(spec: CageSpec, { helperOf, systemOf }: ContainerDriverDeps): Promise<Running> {
  if (filterArchitecture() === undefined) throw new CageError(noFilter());
  const sources = privateSources(spec);
  // The helper opens each folder name by name, and no link: also those that the daemon cannot enter.
  for (const { host, cage, isOutside } of sources) if (isOutside !== true) checkSource(host, cage);
  const system = systemOf(spec);
  if (system === undefined)
    throw new CageError(`no system is built for generation ${spec.generation} of ${spec.name}: deploy it again`);
  const inside = writeInside(
    spec,
    sources.some(({ owner }) => owner !== undefined),
  );
  makeRoomInLog(spec.logFile);
  const helper = helperOf(spec.hiveId);
  const left = readNote(spec.cageDir);
  if (left && isAlive(left.init)) throw new CageError(`the container of ${spec.name} runs already`);
  // If the daemon ends before the container's first process is noted, the next one finds this note and ends the container.
  writeNote(spec.cageDir, { init: NO_PROCESS, folder: "", limitBytes: spec.limits.memoryBytes });
  let started: Awaited<ReturnType<ContainerHelper["start"]>>;
  try {
    // Also without a note: a restored hive has none of what ran before. Without a container it does nothing.
    await helper.kill(spec.agentId);
    started = await helper.start({
      agent: spec.agentId,
      hostname: `h-${spec.name}`,
      uid: spec.identity.uid,
      system,
      binds: [
        ...sources.map(({ host: folder, cage, mode, owner }) => ({ folder, cage, mode, ...(owner ? { owner } : {}) })),
        { folder: inside, cage: "/run/hive-cage", mode: "ro" },
      ],
      log: spec.logFile,
      memory_bytes: spec.limits.memoryBytes,
      cpu_percent: spec.limits.cpuPercent,
      pids: spec.limits.pids,
    });
  } catch (error) {
    // The note stays: a helper that ended in the middle may have started the container.
    throw new CageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  const init = started.pid === undefined ? undefined : identify(started.pid);
  // A container whose program ended at once was built, and its end is recorded.
  const note: Note = { init: init ?? NO_PROCESS, folder: started.folder, limitBytes: spec.limits.memoryBytes };
  writeNote(spec.cageDir, note);
  return running(note, spec, helper);
}

/** Whether the cage of this folder is a container that runs. */
export function isRunningContainer(cageDir: string): boolean {
  const note = readNote(cageDir);
  return note !== undefined && isAlive(note.init);
}

const NO_PROCESS: ProcessId = { pid: 0, startTime: 0 };

/** Writes what the container has at /run/hive-cage. Returns the folder. */
function writeInside(spec: CageSpec, noSetgid: boolean): string {
  const folder = join(spec.cageDir, INSIDE);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o755 });
  const bounds = [`--data=${spec.limits.memoryBytes + MAPPED_UNUSED_BYTES}`, `--nproc=${spec.limits.pids}`, "--core=0"];
  writeFileSync(join(folder, START_FILE), startScript(spec, canLimit() ? [] : bounds), { mode: 0o755 });
  writeFileSync(join(folder, FILTER_FILE), seccompFilter({ noSetgid }), { mode: 0o444 });
  writeFileSync(join(folder, PIPE_FILE), "", { mode: 0o444 });
  for (const file of ownFiles(spec)) writeFileSync(join(folder, basename(file.path)), file.text, { mode: 0o444 });
  return folder;
}

async function adopt(spec: Pick<CageSpec, "cageDir" | "hiveId" | "agentId">, helper: ContainerHelper): Promise<Running | null> {
  const note = readNote(spec.cageDir);
  if (!note) return null;
  if (isAlive(note.init)) return running(note, spec, helper);
  // It ended while no daemon ran. What is left of it is removed.
  await helper.kill(spec.agentId);
  forget(spec.cageDir);
  return null;
}

function running(note: Note, { cageDir, agentId }: Pick<CageSpec, "cageDir" | "agentId">, helper: ContainerHelper): Running {
  const group = groupOf(note.init);
  const exited = recordedEnd(note).then((exit) => {
    forget(cageDir);
    return exit;
  });
  return {
    init: note.init,
    exited,
    memoryBytes: () => (group === undefined ? undefined : numberIn(join(CGROUP, group, "memory.current"))),
    async kill() {
      await helper.kill(agentId);
      await exited;
    },
  };
}

/** Resolves with how a container ended, when the service manager has recorded it: by then its log has all its output. */
function recordedEnd({ init, folder, limitBytes }: Note): Promise<CageExit> {
  const file = join(folder, STATUS_FILE);
  return new Promise((resolve) => {
    let deadSince: number | undefined;
    const watcher = existsSync(folder) ? watch(folder, () => look()) : undefined;
    const timer = setInterval(() => look(), CHECK_MS);
    timer.unref();
    watcher?.unref();
    const finish = (exit: CageExit): void => {
      watcher?.close();
      clearInterval(timer);
      resolve(exit);
    };
    const look = (): void => {
      const end = existsSync(file) ? parseEnd(readFileSync(file, "utf8")) : undefined;
      if (end) return finish(exitOf(end, limitBytes));
      if (isAlive(init)) return;
      deadSince ??= Date.now();
      if (Date.now() - deadSince > RECORD_MS) finish({ code: null, reason: "the container has ended, and how was not recorded" });
    };
    watcher?.on("error", () => {
      // The folder was removed: the timer goes on.
    });
    look();
  });
}

function exitOf({ code, signal, isOverMemory }: NonNullable<ReturnType<typeof parseEnd>>, limitBytes: number): CageExit {
  return {
    code,
    ...(signal === undefined ? {} : { signal }),
    ...(isOverMemory
      ? { reason: `exit ${code ?? 137}: over its memory limit (${Math.round(limitBytes / 1024 / 1024)} MiB)` }
      : {}),
  };
}

/** The group of a container as a whole. Its systemd makes groups of its own below. */
function groupOf({ pid }: ProcessId): string | undefined {
  try {
    return /^0::(.*\/container@[^/]+)/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1];
  } catch {
    // It has ended.
    return undefined;
  }
}

function numberIn(file: string): number | undefined {
  return existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined;
}

function writeNote(cageDir: string, note: Note): void {
  const file = noteFile(cageDir);
  writeFileSync(`${file}.new`, JSON.stringify(note), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function readNote(cageDir: string): Note | undefined {
  try {
    return JSON.parse(readFileSync(noteFile(cageDir), "utf8")) as Note;
  } catch {
    // No container was started here, or the note is from another driver. There is no cage to adopt.
    return undefined;
  }
}

const noteFile = (cageDir: string): string => join(cageDir, "container.json");
const forget = (cageDir: string): void => rmSync(noteFile(cageDir), { force: true });
