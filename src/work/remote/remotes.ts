import { GitError } from "../../os/git/git.ts";
import { killGroup } from "../../os/run-bytes.ts";
import { HiveError } from "../../wire/error.ts";
import { parseAddress } from "../../wire/remote.ts";
import { folderSource, outcome } from "../git/folder-source.ts";
import type { HistorySource } from "../git/import.ts";
import type { Repo, RemoteUpstream, Upstream } from "../repo-record.ts";
import type { WorkContext } from "../work-context.ts";
import { isContained } from "../diff.ts";
import { privateAddress } from "./dial.ts";
import { httpsServer } from "./https.ts";
import { pushRef, type Pushed, type RefMove } from "./push.ts";
import type { GitServer } from "./server.ts";
import { remoteSource } from "./source.ts";

/** Time for one push to another host. Milliseconds. */
const PUSH_MS = 30 * 60_000;

/** What an upstream is added with. */
export interface NewRemote {
  address: string;
  /** The operator allows a private address. */
  private: boolean;
  ca?: string | undefined;
}

/** Connects to the upstreams of repositories, each with its own credential and to its own host only. */
export class Remotes {
  readonly #context: Pick<WorkContext, "git" | "net" | "credentials">;

  constructor(context: Pick<WorkContext, "git" | "net" | "credentials">) {
    this.#context = context;
  }

  /** What is kept of a new upstream. Its private address is pinned, if the operator allows it. */
  async describe({ address, private: isAllowed, ca }: NewRemote): Promise<RemoteUpstream> {
    const { host } = partsOf(address);
    const pinned = isAllowed ? await privateAddress(this.#context.net, host) : undefined;
    return { kind: "remote", address, ...(pinned === undefined ? {} : { pinned }), ...(ca === undefined ? {} : { ca }) };
  }

  /** The history of an upstream, a folder or another host. */
  source(name: string, upstream: Upstream): HistorySource {
    return upstream.kind === "folder" ? folderSource(this.#context.git, upstream) : remoteSource(this.#server(name, upstream));
  }

  /**
   * Moves a ref of another host by compare-and-swap. If it throws, whether the ref has moved is not known.
   */
  async push(repo: Repo, move: RefMove, stop: AbortSignal): Promise<Pushed> {
    const { name, upstream } = repo;
    if (upstream?.kind !== "remote") throw new Error(`${name} follows no other host`);
    // Git's protocol takes any commit for the next one: what is not a step forward would take others' commits away there.
    if (move.isOwn !== true && move.from !== undefined && !(await isContained(this.#context.git, name, move.from, move.to)))
      return { end: "lost", now: undefined };
    const late = new AbortController();
    const words = `pushing to ${upstream.address} took longer than ${PUSH_MS / 60_000} minutes`;
    const timer = setTimeout(() => late.abort(new HiveError("unavailable", words)), PUSH_MS);
    const signal = AbortSignal.any([stop, late.signal]);
    try {
      return await pushRef(this.#server(name, upstream), move, (haves) => this.#pack(name, move.to, haves), signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The objects of a commit that a server with these commits lacks. Throws at its end if git has failed. */
  async *#pack(name: string, to: string, haves: readonly string[]): AsyncGenerator<Buffer, void, undefined> {
    const child = this.#context.git.packHistory(name);
    try {
      const ended = outcome(child);
      child.stdin?.on("error", () => {}); // Its exit gives the reason.
      child.stdin?.end(`${[to, ...haves.map((have) => `^${have}`)].join("\n")}\n`);
      for await (const chunk of child.stdout ?? []) yield chunk as Buffer;
      const { code, said } = await ended;
      if (code !== 0) throw new GitError(`git pack-objects: ${said.trim()} (exit ${code ?? "by a signal"})`);
    } finally {
      killGroup(child);
    }
  }

  #server(name: string, { address, pinned, ca }: RemoteUpstream): GitServer {
    const { net, credentials } = this.#context;
    const token = credentials.of(name)?.token;
    return httpsServer({ address, parts: partsOf(address), pinned, ca, token, net });
  }
}

function partsOf(address: string): Exclude<ReturnType<typeof parseAddress>, string> {
  const parts = parseAddress(address);
  if (typeof parts === "string") throw new HiveError("bad_request", parts);
  return parts;
}
