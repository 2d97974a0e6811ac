import { HiveError } from "../../wire/error.ts";
import { hivectl } from "../../lib/hivectl.ts";
import { isRehearsed } from "../../wire/address-kinds.ts";
import { parseAddress, type HostKey, type SshParts } from "../../wire/remote.ts";
import { folderSource } from "../git/folder-source.ts";
import type { HistorySource } from "../git/import.ts";
import { packHistoryOf } from "../git/pack.ts";
import type { ForgeConnection } from "../forge/http.ts";
import { forgePlace, type Forge } from "../forge/place.ts";
import type { Repo, RemoteUpstream, Upstream } from "../repo-record.ts";
import type { WorkContext } from "../work-context.ts";
import { isContained } from "../diff.ts";
import { privateAddress } from "./dial.ts";
import { hideIn, withoutEchoes } from "./echoes.ts";
import { httpsServer } from "./https.ts";
import { pushRef, type Pushed, type RefMove } from "./push.ts";
import type { GitServer } from "./server.ts";
import { remoteSource } from "./source.ts";
import { sshServer } from "./ssh.ts";

/** Time for one push to another host. Milliseconds. */
const PUSH_MS = 30 * 60_000;

type RemotesContext = Pick<WorkContext, "git" | "net" | "credentials" | "forgeCredentials" | "rehearsed" | "now">;

/** What an upstream is added with. */
export interface NewRemote {
  address: string;
  /** The operator allows a private address. */
  private: boolean;
  ca?: string | undefined;
  /** For ssh: the key of the host that the operator has confirmed. */
  hostKey?: HostKey | undefined;
}

/** Connects to the upstreams of repositories, each with its own credential and to its own host only. */
export class Remotes {
  readonly #context: RemotesContext;
  readonly #upstreamOf: (name: string) => Upstream | undefined;

  /** `upstreamOf` is what a repository follows now: credentials are kept by its name. */
  constructor(context: RemotesContext, upstreamOf: (name: string) => Upstream | undefined) {
    this.#context = context;
    this.#upstreamOf = upstreamOf;
  }

  /** Throws if a repository follows another address by now, or is removed: the credential of its name is not for this one. */
  #checkIsCurrent(name: string, { address }: RemoteUpstream): void {
    const now = this.#upstreamOf(name);
    if (now?.kind === "remote" && now.address === address) return;
    throw new HiveError("unavailable", `${name} no longer follows ${address}: it was removed, or added anew`);
  }

  /** What is kept of a new upstream. Its private address is pinned, if the operator allows it. */
  async describe({ address, private: isAllowed, ca, hostKey }: NewRemote): Promise<RemoteUpstream> {
    const { protocol } = partsOf(address);
    if (protocol === "ssh" && ca !== undefined)
      throw new HiveError("bad_request", "--ca is for https: a host of ssh has a host key instead");
    if (protocol === "ssh" && hostKey === undefined)
      throw new HiveError("bad_request", "an ssh address needs the key of its host: --host-key takes its fingerprint");
    if (protocol === "https" && hostKey !== undefined)
      throw new HiveError("bad_request", "--host-key is for ssh: a host of https has a certificate instead");
    const pinned = await this.#pinnedOf(address, isAllowed);
    return {
      kind: "remote",
      address,
      ...(pinned === undefined ? {} : { pinned }),
      ...(ca === undefined ? {} : { ca }),
      ...(hostKey === undefined ? {} : { hostKey }),
    };
  }

  /**
   * The host key that the host of a new or a known upstream shows now: the one with the fingerprint if it has that. It
   * proves nothing before the operator has compared it.
   */
  async hostKey(
    upstream: { address: string; private: boolean } | RemoteUpstream,
    fingerprint: string | undefined,
    signal: AbortSignal,
  ): Promise<HostKey> {
    const { address } = upstream;
    const parts = partsOf(address);
    if (parts.protocol !== "ssh") throw new HiveError("bad_request", `${address} is no ssh address: only ssh has host keys`);
    const pinned = "kind" in upstream ? upstream.pinned : await this.#pinnedOf(address, upstream.private);
    const { readHostKey } = await import("./ssh-connection.ts");
    return readHostKey({ address, parts, pinned, net: this.#context.net }, fingerprint, signal);
  }

  async #pinnedOf(address: string, isAllowed: boolean): Promise<string | undefined> {
    return isAllowed ? privateAddress(this.#context.net, partsOf(address).host) : undefined;
  }

  /** The history of an upstream, a folder or another host. */
  source(name: string, upstream: Upstream): HistorySource {
    if (upstream.kind === "folder") return folderSource(this.#context.git, upstream);
    const hide = withoutEchoes(this.#context.credentials.of(name));
    const hidden = (error: unknown): never => {
      throw hideIn(error, hide);
    };
    const source = remoteSource(this.#server(name, upstream));
    return {
      ...source,
      list: (signal) => source.list(signal).catch(hidden),
      send(ends) {
        const sending = source.send(ends);
        const ended = sending.ended.catch(hidden);
        // It is awaited later than it may fail.
        ended.catch(() => {});
        return { ...sending, ended };
      },
    };
  }

  /**
   * Moves a ref of another host by compare-and-swap. If it throws, whether the ref has moved is not known.
   */
  async push(repo: Repo, move: RefMove, stop: AbortSignal): Promise<Pushed> {
    const { name, upstream } = repo;
    if (upstream?.kind !== "remote") throw new Error(`${name} follows no other host`);
    // Git's protocol takes any commit for the next one: what is not a step forward would take others' commits away there.
    const mayRewrite = move.isOwn === true || move.isRewrite === true;
    if (!mayRewrite && move.from !== undefined && !(await isContained(this.#context.git, name, move.from, move.to)))
      return { end: "lost", now: undefined };
    const late = new AbortController();
    const words = `pushing to ${upstream.address} took longer than ${PUSH_MS / 60_000} minutes`;
    const timer = setTimeout(() => late.abort(new HiveError("unavailable", words)), PUSH_MS);
    const signal = AbortSignal.any([stop, late.signal]);
    const hide = withoutEchoes(this.#context.credentials.of(name));
    try {
      this.#checkIsCurrent(name, upstream);
      const pack = (haves: readonly string[]) => packHistoryOf(this.#context.git, name, { wants: [move.to], haves });
      const pushed = await pushRef(this.#server(name, upstream), move, pack, signal);
      return pushed.end === "refused" ? { end: "refused", why: hide(pushed.why) } : pushed;
    } catch (error) {
      throw hideIn(error, hide);
    } finally {
      clearTimeout(timer);
    }
  }

  /** How the forge of a repository is reached: with its own token if it has one, else with that of the pushes. */
  forge(repo: string, upstream: RemoteUpstream, forge: Forge): ForgeConnection {
    this.#checkIsCurrent(repo, upstream);
    const { address, pinned, ca } = upstream;
    const { net, credentials, forgeCredentials, rehearsed, now } = this.#context;
    const place = forgePlace(partsOf(address), forge);
    const credential = forgeCredentials.of(repo) ?? credentials.of(repo);
    // A key for ssh is none for the API.
    const token = credential?.kind === "token" ? credential.token : undefined;
    const own = place.isUpstream ? { pinned, ca } : { pinned: undefined, ca: undefined };
    const instead = isRehearsed(address) ? { instead: rehearsed.ask.bind(rehearsed) } : {};
    return { place, ...own, token, net, repo, now, ...instead };
  }

  #server(name: string, upstream: RemoteUpstream): GitServer {
    const { address, pinned, ca } = upstream;
    const { net, credentials, rehearsed } = this.#context;
    if (isRehearsed(address)) return rehearsed.server;
    const credential = credentials.of(name);
    const parts = partsOf(address);
    if (parts.protocol === "ssh") return this.#sshServer(name, upstream, parts);
    const token = credential?.kind === "token" ? credential.token : undefined;
    return httpsServer({ address, parts, pinned, ca, token, net });
  }

  #sshServer(name: string, { address, pinned, hostKey }: RemoteUpstream, parts: SshParts): GitServer {
    const { net, credentials } = this.#context;
    if (hostKey === undefined) throw new Error(`${name} has an ssh address without a host key`);
    const credential = credentials.of(name);
    const changed = (found: HostKey): HiveError =>
      new HiveError(
        "conflict",
        `${address} shows the host key ${found.fingerprint} (${found.type}), and you have confirmed ${hostKey.fingerprint} (${hostKey.type}): another machine may be answering for it. If its owner has changed it, ${hivectl(`repo trust ${name}`)}`,
      );
    const privateKey = credential?.kind === "key" ? credential.private_key : undefined;
    return sshServer({ address, parts, pinned, net, hostKey, privateKey, changed });
  }
}

function partsOf(address: string): Exclude<ReturnType<typeof parseAddress>, string> {
  const parts = parseAddress(address);
  if (typeof parts === "string") throw new HiveError("bad_request", parts);
  return parts;
}
