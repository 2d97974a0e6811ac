import { Readable, Writable } from "node:stream";
import { runStreams } from "../../os/run-streams.ts";
import type { Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import type { Scratch } from "../git/worker.ts";
import type { Repositories } from "../repositories.ts";
import type { WorkContext } from "../work-context.ts";
import type { Branches, Pusher } from "./branches.ts";
import { drain, MAX_PACK_BYTES } from "./drain.ts";
import { GIT_SCRIPT } from "./git-script.ts";
import { checkObjectSizes } from "./object-sizes.ts";
import { FLUSH, pkt } from "./pkt-line.ts";
import { oneLine, readReport, type PushReport } from "./push-report.ts";
import { NONE, type PushHead } from "./push-request.ts";
import { checkCommands, type Accepted, type PushRules } from "./push-rules.ts";
import { HEADS } from "./view.ts";

/** Time for the whole of a push: such a pack over a slow disk, and git's check of it. Milliseconds. */
const PUSH_MS = 15 * 60_000;
/** Bytes of the answer of `git receive-pack`: a line per ref. */
const MAX_REPORT_BYTES = 64 * 1024;
/** Characters of git's complaints that are passed on. */
const MAX_COMPLAINT_CHARS = 400;

/**
 * Settings of `git receive-pack`. Every pushed object is checked and kept in its pack. Whether a branch may be rewritten
 * or removed is decided before, by our own rules.
 */
const CONFIG = `[receive]
	fsckObjects = true
	unpackLimit = 1
	maxInputSize = ${MAX_PACK_BYTES}
	autogc = false
	updateServerInfo = false
	denyNonFastForwards = false
	denyDeletes = false
	denyCurrentBranch = ignore
	advertisePushOptions = false
[transfer]
	unpackLimit = 1
	fsckObjects = true
`;

/** One push as it arrives. `rest` is the pack. */
export interface Push extends PushHead {
  repo: string;
  pusher: Pusher;
  rules: PushRules;
  rest: AsyncIterable<Buffer>;
  ended: AbortSignal;
}

/**
 * Takes pushes in: git checks the pack in the sandbox, its objects move into the repository, then the refs and rows
 * change. Only a push that is on stable storage as a whole is reported as done.
 */
export class Pushes {
  readonly #context: WorkContext;
  readonly #repositories: Pick<Repositories, "moveBase">;
  readonly #branches: Branches;

  constructor(context: WorkContext, repositories: Pick<Repositories, "moveBase">, branches: Branches) {
    this.#context = context;
    this.#repositories = repositories;
    this.#branches = branches;
  }

  /** Resolves with the report for the client. Reads the push to its end, so that the client gets to read the report. */
  async take(push: Push): Promise<PushReport> {
    const { accepted, refused } = checkCommands(push.commands, push.rules);
    try {
      await this.#context.failpoint("push_received");
      if (push.problem !== undefined) throw new HiveError("bad_request", push.problem);
      if (this.#context.disk.low)
        throw new HiveError("disk_full", "the hive's disk is nearly full: try again when there is room");
      if (refused.size > 0) {
        await drain(push.rest);
        return refusedReport(push, (ref) => refused.get(ref) ?? "another branch of this push was refused");
      }
      return await this.#store(push, accepted);
    } catch (error) {
      const why = this.#explain(error, push.ended);
      await drain(push.rest);
      return { ...refusedReport(push, () => why), unpack: why };
    }
  }

  /** Why a push failed, for the client. A defect is reported and not described. */
  #explain(error: unknown, ended: AbortSignal): string {
    if (ended.aborted) return "the client has gone";
    if (this.#context.disk.checkAfter(error) || isDiskFull(error)) return "the hive's disk is full: try again when there is room";
    if (error instanceof HiveError) return error.message;
    this.#context.onUnexpected(error);
    return "the push failed inside the hive: try again, and tell the operator if it fails again";
  }

  async #store(push: Push, accepted: readonly Accepted[]): Promise<PushReport> {
    const { git } = this.#context;
    return git.withScratch(push.repo, { refs: refsBefore(push), config: CONFIG }, async (scratch) => {
      let bytes = 0;
      if (accepted.some((one) => one.new !== NONE)) {
        bytes = await receive(scratch, push, accepted);
        await checkObjectSizes(scratch, push.ended);
        await this.#checkFastForward(scratch, accepted);
        await scratch.keepObjects();
        await this.#context.failpoint("push_objects");
      } else await drain(push.rest);
      await this.#move(push, accepted, bytes);
      return { refs: new Map(push.commands.map(({ ref }) => [ref, undefined])), notes: notesOf(push, accepted) };
    });
  }

  async #checkFastForward(scratch: Scratch, accepted: readonly Accepted[]): Promise<void> {
    for (const { target, old, new: next } of accepted) {
      if (target.kind !== "base" || old === NONE) continue;
      const { code } = await scratch.run(["merge-base", "--is-ancestor", old, next]);
      if (code !== 0)
        throw new HiveError("conflict", `${target.base} can only be moved forward: merge or rebase onto it, then push again`);
    }
  }

  async #move(push: Push, accepted: readonly Accepted[], bytes: number): Promise<void> {
    const { repo, pusher } = push;
    const next = (sha: Sha): Sha | undefined => (sha === NONE ? undefined : sha);
    for (const { target, old, new: to } of accepted) {
      if (target.kind !== "base") continue;
      if (!(await this.#repositories.moveBase(repo, target.base, to, next(old))))
        throw new HiveError("conflict", `${target.base} has moved: fetch first`);
      await this.#auditBase(push, target.base, to);
    }
    const moves = accepted.flatMap((one) =>
      one.target.kind === "topic" ? [{ topic: one.target.topic, next: next(one.new) }] : [],
    );
    if (moves.length > 0) await this.#branches.store({ repo, pusher, moves, bytes });
  }

  async #auditBase({ repo, pusher }: Push, base: string, sha: Sha): Promise<void> {
    const { store, now } = this.#context;
    await store.write(() =>
      store.ledger.audit(store.nextSeq(), {
        at: now(),
        actor: pusher.name,
        kind: "base_pushed",
        detail: { repo, base, sha },
      }),
    );
  }
}

/** The refs that the push starts from, and with which git finds what the client need not have sent. */
function refsBefore({ rules }: Push): Map<string, Sha> {
  const refs = new Map<string, Sha>();
  for (const [base, sha] of rules.bases) refs.set(HEADS + base, sha);
  for (const [topic, sha] of rules.topics) refs.set(`${HEADS}${rules.self}/${topic}`, sha);
  return refs;
}

const storedRef = ({ target }: Accepted, { rules }: Push): string =>
  HEADS + (target.kind === "base" ? target.base : `${rules.self}/${target.topic}`);

/**
 * Runs `git receive-pack` with commands of our own, so that its answer is known, and throws unless it has taken all of
 * them. Resolves with the bytes of the pack.
 */
async function receive(scratch: Scratch, push: Push, accepted: readonly Accepted[]): Promise<number> {
  const commands = accepted.map((one, index) =>
    pkt(`${one.old} ${one.new} ${storedRef(one, push)}${index === 0 ? "\0report-status atomic" : ""}`),
  );
  let bytes = 0;
  async function* body(): AsyncGenerator<Buffer, void, undefined> {
    yield Buffer.concat([...commands, FLUSH]);
    for await (const chunk of push.rest) {
      bytes += chunk.length;
      // Git itself counts, too, but only what it reads.
      if (bytes > MAX_PACK_BYTES) throw tooLarge();
      if (bytes > push.rules.bytesLeft) throw overLimit();
      yield chunk;
    }
  }
  const answer: Buffer[] = [];
  let answered = 0;
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      answered += chunk.length;
      if (answered <= MAX_REPORT_BYTES) answer.push(chunk);
      done();
    },
  });
  const child = scratch.start(GIT_SCRIPT, ["receive-pack", "--stateless-rpc", "/repo"]);
  const { code, stderr, tooLong } = await runStreams(child, {
    input: Readable.from(body()),
    output,
    timeoutMs: PUSH_MS,
    ended: push.ended,
  });
  if (tooLong) throw new HiveError("too_large", "the push took too long: push less at once");
  const report = readReport(Buffer.concat(answer));
  const complaint = complaintOf(stderr);
  if (/pack exceeds maximum allowed size/.test(stderr)) throw tooLarge();
  if (/No space left on device|Disk quota exceeded/.test(stderr)) throw Object.assign(new Error(stderr), { code: "ENOSPC" });
  if (!report || code !== 0)
    throw new HiveError("bad_request", `git could not take the push: ${complaint || `it ended with ${code ?? "a signal"}`}`);
  if (report.unpack !== undefined)
    throw new HiveError("bad_request", `the pushed objects were refused: ${complaint || report.unpack}`);
  for (const one of accepted) {
    const ref = storedRef(one, push);
    const why = report.refs.has(ref) ? report.refs.get(ref) : "git did not report it";
    if (why !== undefined) throw new HiveError("bad_request", `${ref}: ${why}${complaint === "" ? "" : ` (${complaint})`}`);
  }
  return bytes;
}

const tooLarge = (): HiveError =>
  new HiveError("too_large", `a push has at most ${MAX_PACK_BYTES / 1024 ** 2} MiB: keep large files out of the repository`);

const overLimit = (): HiveError =>
  new HiveError(
    "too_large",
    "what you have pushed would exceed your disk limit: push less, or ask the operator to raise limits.disk_mib",
  );

const isDiskFull = (error: unknown): boolean => (error as NodeJS.ErrnoException | undefined)?.code === "ENOSPC";

/** What git said, without its prefixes. */
function complaintOf(stderr: string): string {
  const lines = stderr.split("\n").flatMap((line) => /^(?:error|fatal): (.*)$/.exec(line)?.[1] ?? []);
  return oneLine(lines.join("; ")).slice(0, MAX_COMPLAINT_CHARS);
}

function refusedReport(push: Push, why: (ref: string) => string): PushReport {
  return { refs: new Map(push.commands.map(({ ref }) => [ref, why(ref)])) };
}

function notesOf({ repo, rules }: Push, accepted: readonly Accepted[]): string[] {
  return accepted.flatMap(({ target, new: next }) =>
    target.kind === "topic" && next !== NONE
      ? [`stored as ${rules.self}/${target.topic} of ${repo}; to have it merged, propose the branch ${target.topic}`]
      : [],
  );
}
