import { statfsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { OutputLog, type LogLimits } from "../../../lib/output-log.ts";
import { makeFifo } from "../../../os/fifo.ts";
import type { CageExit } from "../../../platforms/port.ts";
import { CHECK_ORDINALS, FIRST_CHECK_ORDINAL } from "../../../platforms/uids.ts";
import type { ChangeRecord } from "../../../store/changes.ts";
import type { Sha } from "../../../wire/approval.ts";
import { MAX_REASON_CHARS } from "../../../wire/limits.ts";
import type { RepoSettings } from "../../../wire/work.ts";
import type { WorkContext } from "../../work-context.ts";
import { checkCage, folderOf, OUTPUT_IN_CAGE, removeCheck } from "./folder.ts";
import { tellDenied } from "./denied.ts";
import type { CheckLimits } from "./limits.ts";
import { Slots } from "../slots.ts";
import { watchCage, type Stopped } from "./watch.ts";

const MIB = 1024 * 1024;
/** Logs that are kept: those of the newest hundred changes, and one GiB in sum. */
const LOGS: Omit<LogLimits, "maxBytes"> = { maxLogs: 100, maxSum: 1024 * MIB };
/** Pause after each part of the output that is not kept: some MiB a second remain. Milliseconds. */
const UNKEPT_PAUSE_MS = 10;
/** Bytes of the end of the output from which the reason of a failure is taken. */
const TAIL_BYTES = 8 * 1024;

/**
 * The program of the cage: makes the clone at the result of the merge, then runs setup and check. The base is checked
 * out at the result, and `origin/<base>` is its tip. Arguments: setup, check, result, tip or nothing, blocks of 512
 * bytes that one file may have.
 */
const SCRIPT = `
exec > ${OUTPUT_IN_CAGE} 2>&1 < /dev/null
ulimit -f "$5"
cd "/work/$REPO" || exit
git init -q --template= -b "$BASE" . &&
printf '/run/hive/objects/%s\\n' "$REPO" > .git/objects/info/alternates &&
{ [ -z "$4" ] || git update-ref "refs/remotes/origin/$BASE" "$4"; } &&
git update-ref "refs/heads/$BASE" "$3" &&
git -c core.fsync=none reset -q --hard || { code=$?; echo "hyperhive: the clone could not be made"; exit "$code"; }
if [ -n "$1" ]; then
  /bin/sh -c "$1" || { code=$?; echo "hyperhive: the setup failed with exit code $code"; exit "$code"; }
fi
exec /bin/sh -c "$2"
`;

/** How a check ended. */
export type CheckEnd = { ok: true } | { ok: false; reason: string };

/** Runs a program that reaches hosts through the socket of a proxy. */
const ONLINE = ["/opt/hive/bin/hive-ag3nt", "online", "--"];

type Commands = Pick<RepoSettings, "setup" | "check" | "egress">;

/** The result of a merge, and the tip that it was made on. */
interface Candidate {
  candidate: Sha;
  tip: Sha | undefined;
  /** The tags of the repository. */
  tags: ReadonlyMap<string, Sha>;
  ended: AbortSignal;
}

/** Runs the checks of changes, each in a cage of its own that is removed afterwards. */
export class Checks {
  readonly #context: WorkContext;
  readonly #limits: CheckLimits;
  readonly #slots = new Slots(CHECK_ORDINALS);
  /** The last run of each change whose runs have not ended. They share a folder, so each waits for the one before. */
  readonly #runs = new Map<number, Promise<CheckEnd>>();

  constructor(context: WorkContext, limits: CheckLimits) {
    this.#context = context;
    this.#limits = limits;
  }

  /** Ends and removes the checks that the last daemon has left. */
  async removeLeft(): Promise<void> {
    for (const name of await readdir(this.#context.paths.checks))
      if (/^\d+$/.test(name)) await removeCheck(this.#context, Number(name));
  }

  /**
   * Runs setup and check of a repository on the result of a merge, once an earlier run of the same change has ended.
   * Rejects if it could not be run, and when `ended` aborts.
   */
  async run(row: ChangeRecord, settings: Commands, on: Candidate): Promise<CheckEnd> {
    const before = this.#runs.get(row.id);
    const run = (async () => {
      // Its failure is its caller's.
      await before?.catch(() => {});
      return this.#run(row, settings, on);
    })();
    this.#runs.set(row.id, run);
    try {
      return await run;
    } finally {
      if (this.#runs.get(row.id) === run) this.#runs.delete(row.id);
    }
  }

  async #run(row: ChangeRecord, settings: Commands, { candidate, tip, tags, ended }: Candidate): Promise<CheckEnd> {
    const context = this.#context;
    const slot = await this.#slots.take(ended);
    const log = new OutputLog(
      context.paths.changeLog(row.id),
      { ...LOGS, maxBytes: this.#limits.logBytes },
      context.onUnexpected,
    );
    try {
      await log.begin();
      await removeCheck(context, row.id);
      return await this.#runIn(row, {
        slot,
        log,
        tags,
        ended,
        hosts: settings.egress,
        args: [settings.setup.trim(), settings.check, candidate, tip ?? ""],
      });
    } finally {
      await log.close();
      await removeCheck(context, row.id).catch(context.onUnexpected);
      this.#slots.give(slot);
    }
  }

  async #runIn(
    row: ChangeRecord,
    {
      slot,
      log,
      tags,
      ended,
      hosts,
      args,
    }: { slot: number; log: OutputLog; tags: ReadonlyMap<string, Sha>; ended: AbortSignal; hosts: string[]; args: string[] },
  ): Promise<CheckEnd> {
    const { driver, hiveId } = this.#context;
    const identity = driver.identityFor(hiveId, FIRST_CHECK_ORDINAL + slot);
    const limits = this.#possible();
    const blocks = String(Math.ceil(limits.diskBytes / 512));
    const spec = await checkCage(this.#context, row, {
      identity,
      tags,
      argv: [...(hosts.length > 0 ? ONLINE : []), "/bin/sh", "-c", SCRIPT, "check", ...args, blocks],
      limits: { memoryBytes: limits.memoryBytes, cpuPercent: limits.cpuPercent, pids: limits.pids },
    });
    await driver.prepare(spec);
    const tail = new Tail();
    const fifo = await makeFifo(join(spec.socketsDir, "output"), identity);
    let printed = 0;
    fifo.output.on("data", (bytes: Buffer) => {
      log.write(bytes);
      tail.add(bytes);
      printed += bytes.length;
      if (printed <= limits.logBytes) return;
      // What is not kept is read slowly, so that a check that only prints does not keep the daemon busy.
      fifo.output.pause();
      setTimeout(() => fifo.output.resume(), UNKEPT_PAUSE_MS);
    });
    let exit: CageExit;
    let stopped: Stopped | undefined;
    let egress: { close(): Promise<void> } | undefined;
    const onRecord = tellDenied((line) => {
      log.write(line);
      tail.add(Buffer.from(line));
    });
    try {
      if (hosts.length > 0)
        egress = await this.#context.openEgress({
          path: join(spec.socketsDir, "egress.sock"),
          identity,
          id: spec.agentId,
          hosts,
          onRecord,
        });
      const cage = await driver.start(spec);
      const watch = watchCage(cage, { folder: folderOf(this.#context, row.id), limits, ended });
      exit = await cage.exited.finally(() => (stopped = watch.stop()));
    } finally {
      await Promise.all([egress?.close(), fifo.finish()]);
    }
    if (stopped === "daemon") throw ended.reason;
    if (stopped === undefined && exit.code === 0) return { ok: true };
    // A full disk is the hive's problem. One that the check has filled itself was stopped by its own limit before.
    if (stopped === undefined && this.#context.disk.checkAfter(new Error("a check failed")))
      throw Object.assign(new Error("the disk is full"), { code: "ENOSPC" });
    const words = howItEnded(exit, stopped, limits);
    log.write(`hyperhive: ${words}\n`);
    return { ok: false, reason: tail.after(words) };
  }

  /** The limits as far as the host has it. A check gets at most half of its memory and of its free disk. */
  #possible(): CheckLimits {
    const { bavail, bsize } = statfsSync(this.#context.paths.checks);
    return {
      ...this.#limits,
      memoryBytes: Math.min(this.#limits.memoryBytes, Math.floor(totalmem() / 2)),
      diskBytes: Math.min(this.#limits.diskBytes, Math.floor((bavail * bsize) / 2)),
    };
  }
}

function howItEnded(exit: CageExit, stopped: Stopped | undefined, limits: CheckLimits): string {
  if (stopped === "time") return `the check was ended: it ran for ${Math.round(limits.timeMs / 60_000)} minutes`;
  if (stopped === "disk") return `the check was ended: it used more than ${Math.floor(limits.diskBytes / MIB)} MiB of disk`;
  if (exit.reason !== undefined) return `the check was ended: ${exit.reason}`;
  return `the check failed with exit code ${exit.code ?? "unknown"}`;
}

/** The end of an output, as text without escape sequences. */
class Tail {
  #bytes = Buffer.alloc(0);

  add(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
  }

  /** The words, and below them as much of the end as a reason has room for. */
  after(words: string): string {
    const text = stripVTControlCharacters(this.#bytes.toString("utf8"))
      .replace(/\r\n?/g, "\n")
      .replace(/[^\P{Cc}\n\t]/gu, "");
    const room = MAX_REASON_CHARS - words.length - 2;
    return text.trim() === "" ? words : `${words}\n\n${text.trimEnd().slice(-room)}`;
  }
}
