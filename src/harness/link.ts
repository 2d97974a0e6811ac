import { randomBytes } from "node:crypto";
import { watch, type FSWatcher } from "node:fs";
import { dirname } from "node:path";
import { ConnectionLost, connectLines, type LineClient } from "../rpc/client.ts";
import { ZodError } from "zod";
import { HiveError, schemaComplaint } from "../wire/error.ts";
import { HarnessPush, PROTOCOL } from "../wire/harness.ts";
import type { Input, OperationName, Output } from "../wire/operations.ts";
import { growingPauses, type PauseRange } from "../lib/pauses.ts";
import { isPermanent } from "./retry.ts";

/** Between two attempts to reach the daemon. */
const RECONNECT: PauseRange = { firstMs: 20, mostMs: 2_000 };
/** How often to retry after "another harness is connected", in case that harness is about to end. */
const MAX_CONFLICTS = 40;

export type Assignment = Output<"hello">;

export interface LinkOptions {
  socket: string;
  revision: string;
  generation: number;
  protocol?: number | undefined;
  /** How long to search for a daemon before giving up. Milliseconds. */
  awayMs: number;
  /** The state of this harness for each hello. */
  state(): { leases: { id: number; token: string }[]; busy: boolean; residentServers: number };
  /** Called when the daemon has answered a hello, with the assignment and the leases that are still valid. */
  onAssigned(assignment: Assignment): void;
  onPush(push: HarnessPush): void;
}

/** Why the link has ended permanently. */
export type LinkEnd =
  | { kind: "refused"; reason: string }
  /** The daemon's answer to the hello does not match its schema. The daemon is notified. */
  | { kind: "unreadable"; reason: string }
  | { kind: "away" }
  | { kind: "closed" };

/**
 * The harness's one connection to the daemon. It reconnects automatically. A call that was running when the daemon
 * stopped is repeated with the next daemon, which is safe because sends carry a client id and events a number.
 */
export class Link {
  readonly instance = randomBytes(12).toString("base64url");
  readonly ended: Promise<LinkEnd>;
  readonly #options: LinkOptions;
  #client: Promise<LineClient>;
  #end!: (end: LinkEnd) => void;
  #closing = false;
  #live: LineClient | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.#client = this.#connect();
  }

  /** Calls the daemon, over as many connections as necessary. Throws its refusals. */
  async call<N extends OperationName>(name: N, input: Input<N>, signal?: AbortSignal): Promise<Output<N>> {
    for (;;) {
      const client = await this.#client;
      try {
        return await client.call(name, input, signal ? { signal } : {});
      } catch (error) {
        if (!(error instanceof ConnectionLost) || this.#closing || signal?.aborted) throw error;
        // When it has closed, `#client` is the next one.
        await client.closed;
      }
    }
  }

  /** Sends a notification that may be lost. */
  notify<N extends OperationName>(name: N, input: Input<N>): void {
    this.#live?.notify(name, input);
  }

  close(): void {
    this.#closing = true;
    this.#live?.close();
    this.#end({ kind: "closed" });
  }

  async #connect(): Promise<LineClient> {
    const since = performance.now();
    const pauses = growingPauses(RECONNECT);
    let conflicts = 0;
    for (;;) {
      try {
        const client = await connectLines(this.#options.socket);
        await this.#hello(client);
        return client;
      } catch (error) {
        if (error instanceof ZodError) return this.#stop({ kind: "unreadable", reason: unreadable(error) });
        if (isPermanent(error)) return this.#stop({ kind: "refused", reason: error.message });
        if (error instanceof HiveError && error.code === "conflict" && ++conflicts > MAX_CONFLICTS) {
          return this.#stop({ kind: "refused", reason: error.message });
        }
        if (this.#closing || performance.now() - since > this.#options.awayMs) return this.#stop({ kind: "away" });
      }
      await this.#pauseOrSocket(pauses.next().value);
    }
  }

  /** The link has ended. Pending waits for a client never resolve, and the process ends. */
  #stop(end: LinkEnd): Promise<LineClient> {
    this.#end(end);
    return new Promise(() => {});
  }

  async #hello(client: LineClient): Promise<void> {
    const { leases, busy, residentServers } = this.#options.state();
    client.onPush((line) => {
      const push = HarnessPush.safeParse(line);
      if (push.success) this.#options.onPush(push.data);
    });
    try {
      const assignment = await client.call("hello", {
        protocol: this.#options.protocol ?? PROTOCOL,
        revision: this.#options.revision,
        generation: this.#options.generation,
        instance: this.instance,
        leases,
        busy,
        resident_servers: residentServers,
      });
      this.#live = client;
      const onClosed = (): void => {
        if (this.#live !== client) return;
        this.#live = undefined;
        if (!this.#closing) this.#client = this.#connect();
      };
      void client.closed.then(onClosed);
      this.#options.onAssigned(assignment);
    } catch (error) {
      // The daemon has accepted this connection as the harness, so it may report why it ends.
      if (error instanceof ZodError) await client.call("report", { problem: unreadable(error) }).catch(() => {});
      client.close();
      throw error;
    }
  }

  /** Waits for the time to pass or for a change in the socket's folder, so that a restarted daemon is found at once. */
  #pauseOrSocket(ms: number): Promise<void> {
    return new Promise((resolve) => {
      let watcher: FSWatcher | undefined;
      const done = (): void => {
        clearTimeout(timer);
        watcher?.close();
        resolve();
      };
      const timer = setTimeout(done, ms);
      try {
        watcher = watch(dirname(this.#options.socket), done);
        watcher.on("error", () => {}); // The timer is enough.
      } catch {
        // There is no folder to watch. The timer is enough.
      }
    });
  }
}

/** Describes the problem with the daemon's answer to a hello. */
function unreadable(error: ZodError): string {
  return `the harness cannot read its assignment: ${schemaComplaint(error)}; restart the agent, and update hyperhive if that does not help`;
}
