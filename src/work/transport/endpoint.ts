import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable, Writable } from "node:stream";
import { runStreams } from "../../os/run-streams.ts";
import { Slots } from "../../lib/slots.ts";
import { HiveError, parseOrThrow } from "../../wire/error.ts";
import { RepoName } from "../../wire/work.ts";
import type { GitWorker } from "../git/worker.ts";
import type { RepoUses } from "../repo-uses.ts";
import { bodyOf } from "./body.ts";
import type { Pusher } from "./branches.ts";
import { GIT_SCRIPT } from "./git-script.ts";
import { PACE, type Pace } from "./pace.ts";
import { FLUSH, pkt } from "./pkt-line.ts";
import { oneLine, writeReport } from "./push-report.ts";
import { drain } from "./drain.ts";
import { readPushHead } from "./push-request.ts";
import type { PushRules } from "./push-rules.ts";
import type { Pushes } from "./pushes.ts";
import { Requests } from "./requests.ts";
import type { RefNames } from "./view.ts";

const SERVICES = ["git-upload-pack", "git-receive-pack"] as const;
type Service = (typeof SERVICES)[number];

/**
 * Requests that run git at once: on two cores more only take turns, and each may hold a pack on disk. One caller leaves
 * half of them to the others.
 */
const FETCHES = { most: 8, mostPerKey: 4 };
const PUSHES = { most: 4, mostPerKey: 1 };
/** Time for one fetch, and for one push with its wait: a whole repository over a slow disk. Milliseconds. */
const FETCH_MS = 15 * 60_000;
const PUSH_MS = 30 * 60_000;
/** Bytes of what a client asks for in a fetch: its branches and what it has. */
const MAX_ASKED_BYTES = 2 * 1024 * 1024;

/** A repository as a caller may use it. */
export interface OpenedRepo {
  names: RefNames;
  /** The branch that a clone checks out. */
  head: string;
  /** The rules of a push as they are now, or throws why the caller may not push. */
  rules(): PushRules;
}

/** Who calls: an agent, by its socket, or the operator, by a token. */
export interface GitCaller {
  pusher: Pusher;
  /** Opens a repository. Throws `not_found` if it is none of the caller's. */
  open(repo: string): OpenedRepo;
}

/** Git's smart HTTP protocol for the repositories. Every request runs git in the sandbox. */
export class GitEndpoint {
  readonly #git: Pick<GitWorker, "withScratch">;
  readonly #pushes: Pushes;
  readonly #uses: RepoUses;
  readonly #onUnexpected: (error: unknown) => void;
  readonly #pace: Pace;
  readonly #fetchSlots = new Slots(FETCHES);
  readonly #pushSlots = new Slots(PUSHES);
  readonly #requests = new Requests();

  constructor(deps: {
    git: Pick<GitWorker, "withScratch">;
    pushes: Pushes;
    uses: RepoUses;
    onUnexpected(error: unknown): void;
    pace?: Pace | undefined;
  }) {
    this.#pace = deps.pace ?? PACE;
    this.#git = deps.git;
    this.#uses = deps.uses;
    this.#pushes = deps.pushes;
    this.#onUnexpected = deps.onUnexpected;
  }

  /** Answers a request; `path` is the address below the endpoint, such as `/web/info/refs`. Never rejects. */
  serve(path: string, request: IncomingMessage, response: ServerResponse, caller: GitCaller): Promise<void> {
    const mostMs = path.endsWith("receive-pack") ? PUSH_MS : FETCH_MS;
    return this.#requests.run({ request, response, mostMs }, async (ended) => {
      try {
        await this.#answer(path, request, response, caller, ended);
      } catch (error) {
        if (!(error instanceof HiveError) && !ended.aborted) this.#onUnexpected(error);
        fail(response, error);
      }
    });
  }

  /** Ends all requests, and refuses new ones. Resolves when no git runs for one any more. */
  close(): Promise<void> {
    return this.#requests.close();
  }

  async #answer(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    caller: GitCaller,
    ended: AbortSignal,
  ): Promise<void> {
    const url = URL.parse(path, "http://git");
    if (!url) return plain(response, 400, "the address is malformed");
    const [, name, action] = /^\/([^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/.exec(url.pathname) ?? [];
    if (name === undefined) return plain(response, 404, "no such address");
    const isAdvertisement = action === "info/refs";
    const service = isAdvertisement ? url.searchParams.get("service") : action;
    if (!isService(service)) return plain(response, 403, "only git's smart protocol is served: use a newer git");
    if (request.method !== (isAdvertisement ? "GET" : "POST")) return plain(response, 405, "wrong method");
    const version = request.headers["git-protocol"];
    const call: Call = {
      repo: name,
      service,
      request,
      response,
      caller,
      ended,
      env: version === "version=2" || version === "version=1" ? { GIT_PROTOCOL: version } : {},
    };
    if (isAdvertisement) return this.#advertise(call);
    return service === "git-upload-pack" ? this.#fetch(call) : this.#push(call);
  }

  /** Lists the refs. A refusal is in git's own form, so that git prints it. */
  async #advertise(call: Call): Promise<void> {
    const { service, response } = call;
    const head = Buffer.concat([pkt(`# service=${service}\n`), FLUSH]);
    begin(response, `application/x-${service}-advertisement`);
    await refusedByLine(response, head, async () => {
      const opened = openRepo(call);
      if (service === "git-receive-pack") opened.rules();
      await this.#inLine(this.#fetchSlots, call, () => this.#runGit(call, opened, ["--http-backend-info-refs"], undefined, head));
    });
  }

  async #fetch(call: Call): Promise<void> {
    const { response } = call;
    begin(response, "application/x-git-upload-pack-result");
    await refusedByLine(response, Buffer.alloc(0), async () => {
      const asked = await readUpTo(bodyOf(call.request, this.#pace), MAX_ASKED_BYTES);
      await this.#inLine(this.#fetchSlots, call, () =>
        this.#runGit(call, openRepo(call), [], Readable.from([asked], { objectMode: false })),
      );
    });
  }

  /** Runs work on a repository once there is room, and while no objects are removed from it. */
  #inLine<T>(slots: Slots, { caller, repo, ended }: Call, work: () => Promise<T>): Promise<T> {
    return this.#uses.during(bare(repo), () => slots.run(caller.pusher.id, ended, work), ended);
  }

  async #runGit(call: Call, opened: OpenedRepo, options: string[], input: Readable | undefined, head?: Buffer): Promise<void> {
    const { repo, service, response, ended, env } = call;
    const { idleMs } = this.#pace;
    await this.#git.withScratch(bare(repo), { refs: opened.names.refs, head: opened.head }, async (scratch) => {
      const strict = service === "git-upload-pack" ? ["--strict"] : [];
      const child = scratch.start(
        GIT_SCRIPT,
        [service.slice("git-".length), ...strict, "--stateless-rpc", ...options, "/repo"],
        env,
      );
      let isFirst = true;
      const output = new Writable({
        write(chunk: Buffer, _encoding, done) {
          if (isFirst && head) response.write(head);
          isFirst = false;
          // A client that does not read holds a slot, too.
          const timer = setTimeout(() => response.destroy(), idleMs);
          response.write(chunk, (error) => {
            clearTimeout(timer);
            done(error);
          });
        },
      });
      // A response without a connection does not call back, so the write would never end.
      ended.addEventListener("abort", () => output.destroy(), { once: true });
      const { code, stderr, tooLong } = await runStreams(child, { input, output, timeoutMs: FETCH_MS, ended });
      if (code === 0) response.end();
      else if (ended.aborted) response.destroy();
      else if (tooLong) throw new HiveError("unavailable", "the fetch took too long: try again");
      else throw new HiveError("bad_request", `git ended with ${code ?? "a signal"}: ${oneLine(stderr)}`);
    });
  }

  async #push(call: Call): Promise<void> {
    const { request, response, caller, ended, repo } = call;
    begin(response, "application/x-git-receive-pack-result");
    const body = bodyOf(request, this.#pace);
    const head = await readPushHead(body[Symbol.asyncIterator]());
    // Before it sends a large pack, git asks with an empty push whether it may.
    if (head.commands.length === 0) {
      await drain(head.rest);
      return void response.end(FLUSH);
    }
    const report = await this.#inLine(this.#pushSlots, call, async () => {
      const { rules, pusher } = { rules: openRepo(call).rules(), pusher: caller.pusher };
      return this.#pushes.take({ ...head, repo: bare(repo), pusher, rules, ended });
    });
    // Part of a push that was refused may not have been read.
    if (!request.complete) response.setHeader("Connection", "close");
    response.end(writeReport(head, report));
  }
}

interface Call {
  repo: string;
  service: Service;
  request: IncomingMessage;
  response: ServerResponse;
  caller: GitCaller;
  ended: AbortSignal;
  env: Record<string, string>;
}

const isService = (name: string | null | undefined): name is Service => SERVICES.some((one) => one === name);
const bare = (repo: string): string => parseOrThrow(RepoName, repo);
const openRepo = ({ repo, caller }: Call): OpenedRepo => caller.open(bare(repo));

function begin(response: ServerResponse, type: string): void {
  response.statusCode = 200;
  response.setHeader("Content-Type", type);
  response.setHeader("Cache-Control", "no-cache");
}

/** Answers a refusal with a line that git prints as "remote error: …". */
async function refusedByLine(response: ServerResponse, head: Buffer, answer: () => Promise<void>): Promise<void> {
  try {
    await answer();
  } catch (error) {
    if (!(error instanceof HiveError) || error.code === "protocol") throw error;
    // In the middle of a pack there is no room for words.
    if (response.headersSent) return void response.destroy();
    response.setHeader("Connection", "close");
    response.end(Buffer.concat([head, pkt(`ERR ${oneLine(error.message)}\n`)]));
  }
}

function plain(response: ServerResponse, status: number, words: string): void {
  response.statusCode = status;
  response.setHeader("Content-Type", "text/plain");
  // The request may not have been read to its end.
  response.setHeader("Connection", "close");
  response.end(`${words}\n`);
}

const MALFORMED: ReadonlySet<string> = new Set(["bad_request", "protocol"]);

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  if (error instanceof HiveError) plain(response, MALFORMED.has(error.code) ? 400 : 403, oneLine(error.message));
  else plain(response, 500, "the hive failed to answer: try again");
}

async function readUpTo(body: AsyncIterable<Buffer>, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) throw new HiveError("too_large", "the fetch asks for too much at once");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
