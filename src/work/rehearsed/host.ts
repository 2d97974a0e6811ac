import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { z } from "zod";
import type { GitObject } from "../../config-repos/objects.ts";
import { writeObjects } from "../../config-repos/store.ts";
import { hivectl } from "../../lib/hivectl.ts";
import { SerialQueue } from "../../lib/serial-queue.ts";
import { discard, makeRepo } from "../../os/git/folders.ts";
import { moveRef, refObjects } from "../../os/git/refs.ts";
import { replaceFile } from "../../os/stable.ts";
import { REHEARSED_ADDRESS } from "../../wire/address-kinds.ts";
import { Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import type { Call, RawAnswer } from "../forge/http.ts";
import { copyHistory } from "../git/import.ts";
import { packHistoryOf } from "../git/pack.ts";
import type { GitWorker } from "../git/worker.ts";
import type { GitServer } from "../remote/server.ts";
import { advertise, given, sendPack, takePush } from "./git-service.ts";
import { answerAsGithub, showAsGithub, type HostAnswer, type HostedPull } from "./github.ts";
import { mergePull } from "./merge.ts";
import type { Rehearsed } from "./port.ts";

/** The repository of the host, and who has it there. */
const NAME = "greeter";
const OWNER = "tour";
const MAIN = "refs/heads/main";
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o750;
/** Time that a pull request stays open, so that it is seen: less than the hive's pause between two looks. Milliseconds. */
const OPEN_MS = 45_000;

const Pulls = z.array(
  z.object({
    number: z.number().int(),
    state: z.enum(["open", "closed"]),
    merged: z.boolean(),
    mergeCommit: Sha.nullable(),
    title: z.string(),
    body: z.string(),
    head: z.string(),
    base: z.string(),
    sha: Sha,
    openedAt: z.number(),
  }),
);
type KeptPull = z.infer<typeof Pulls>[number];

export interface RehearsedHostDeps {
  /** Git for the repositories in `folder`. */
  git: GitWorker;
  folder: string;
  scratch: string;
  /** False while the hive asks a real model: the tour is over then. */
  isOpen(): boolean;
  now(): number;
}

/**
 * The host that the tour's repository follows: git and pull requests as on GitHub, all in this process. It has no socket,
 * so nothing but the hive reaches it, and its name is one that no network has. It merges what is asked of it: when the
 * hive fetches, or when it looks at a pull request that has been open for a while.
 */
export class RehearsedHost implements Rehearsed {
  readonly #deps: RehearsedHostDeps;
  readonly #turns = new SerialQueue();

  constructor(deps: RehearsedHostDeps) {
    this.#deps = deps;
  }

  get exists(): boolean {
    // The branch is written last: without it, a daemon was ended while it made the repository.
    return existsSync(join(this.#deps.git.folder(NAME), MAIN));
  }

  async make(objects: readonly GitObject[], commit: Sha): Promise<void> {
    const { git } = this.#deps;
    await this.#makeFolder();
    await writeObjects(git.folder(NAME), [...objects]);
    await moveRef(git.folder(NAME), MAIN, commit, undefined);
  }

  async makeFrom(source: GitWorker, repo: string, tip: Sha): Promise<void> {
    const { git } = this.#deps;
    await this.#makeFolder();
    const ends = { wants: [tip], haves: [] };
    await copyHistory(git, NAME, given(REHEARSED_ADDRESS, packHistoryOf(source, repo, ends)), ends);
    await moveRef(git.folder(NAME), MAIN, tip, undefined);
  }

  async #makeFolder(): Promise<void> {
    const { git, folder, scratch } = this.#deps;
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
    // What is there is half made.
    await discard(git.folder(NAME), scratch);
    await makeRepo(git.folder(NAME), scratch);
  }

  get server(): GitServer {
    const repo = { git: this.#deps.git, name: NAME, address: REHEARSED_ADDRESS };
    return {
      address: REHEARSED_ADDRESS,
      open: async (service, signal) => {
        signal.throwIfAborted();
        this.#checkOpen();
        if (service === "git-upload-pack") await this.#turns.run(() => this.#mergeOlderThan(0));
        const serve = service === "git-upload-pack" ? sendPack : takePush;
        return {
          advertised: await advertise(repo, service),
          ask: async (request) => Readable.from(serve(repo, request), { objectMode: false }),
          close() {},
        };
      },
    };
  }

  ask = ({ method, path, body = {}, etag }: Call): Promise<RawAnswer> =>
    this.#turns.run(async () => {
      this.#checkOpen();
      if (method === "GET") await this.#mergeOlderThan(OPEN_MS);
      const [tips, pulls] = await this.#read();
      const url = new URL(path, "https://api.invalid");
      const call = { method, path: url.pathname, query: url.searchParams, body, headers: { "if-none-match": etag } };
      const { now } = this.#deps;
      const show = (pull: HostedPull, isListed = false): object => showAsGithub(pull, { ...PLACE, tip: tips, isListed });
      const answer = answerAsGithub(
        {
          owner: OWNER,
          pulls,
          tip: tips,
          show,
          etag: (json) => `"${createHash("sha256").update(JSON.stringify(json)).digest("hex")}"`,
          add(pull) {
            const opened = { state: "open" as const, merged: false, mergeCommit: null, openedAt: now() };
            const added: KeptPull = { ...pull, ...opened, number: pulls.length + 1, sha: tips(pull.head) ?? "" };
            pulls.push(added);
            return added;
          },
        },
        call,
      );
      if (method !== "GET") await this.#write(pulls);
      return raw(answer);
    });

  #checkOpen(): void {
    const { isOpen } = this.#deps;
    if (isOpen() && this.exists) return;
    throw new HiveError(
      "unavailable",
      `the rehearsed host of the tour is there only while the hive rehearses: work with a repository of your own (${hivectl("repo add --help")}), or remove this one (${hivectl(`repo remove ${NAME}`)})`,
    );
  }

  /** Merges the pull requests that were opened that long ago, as its people would. Those with a conflict stay open. */
  async #mergeOlderThan(ms: number): Promise<void> {
    const { git, now } = this.#deps;
    const [, known] = await this.#read();
    for (const pull of known.filter(({ state, openedAt }) => state === "open" && now() - openedAt >= ms)) {
      const [tips, pulls] = await this.#read();
      const commit = await mergePull(git, NAME, pull, tips(pull.base), now());
      if (commit === undefined) continue;
      const merged = { ...pull, state: "closed" as const, merged: true, mergeCommit: commit };
      await this.#write(pulls.map((one) => (one.number === pull.number ? merged : one)));
    }
  }

  /** The tips of its branches and its pull requests, whose commits are those of their branches while they are open. */
  async #read(): Promise<[tip: (branch: string) => Sha | undefined, pulls: KeptPull[]]> {
    const refs = await refObjects(this.#deps.git.folder(NAME), "refs/heads/");
    const tip = (branch: string): Sha | undefined => refs.get(`refs/heads/${branch}`);
    const file = existsSync(this.#file) ? readFileSync(this.#file, "utf8") : "[]";
    const pulls = Pulls.parse(JSON.parse(file));
    return [tip, pulls.map((one) => (one.state === "open" ? { ...one, sha: tip(one.head) ?? one.sha } : one))];
  }

  #write(pulls: readonly KeptPull[]): Promise<void> {
    return replaceFile(this.#file, `${JSON.stringify(pulls)}\n`, FILE_MODE);
  }

  get #file(): string {
    return join(this.#deps.folder, "pulls.json");
  }
}

const PLACE = { address: REHEARSED_ADDRESS.replace(/\.git$/, ""), fullName: `${OWNER}/${NAME}` };

/** An answer in the form in which a connection has it. */
const raw = ({ status, json, headers = {} }: HostAnswer): RawAnswer =>
  Object.assign(Readable.from([Buffer.from(JSON.stringify(json ?? {}))], { objectMode: false }), { statusCode: status, headers });
