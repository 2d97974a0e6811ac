import { once } from "node:events";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import type { Ids } from "../os/id-map.ts";
import type { ContainerHelper } from "../platforms/nixos/driver.ts";
import { W4rdenProgram } from "../rpc/w4rden-client.ts";
import { HiveError } from "../wire/error.ts";
import { W4RDEN_SOCKET, type MountRequest, type W4rdenRequest, type W4rdenStarted } from "../wire/w4rden.ts";
import type { ExportedFolders } from "../work/git/worker.ts";
import { queuedContainers } from "./container-queue.ts";

/** A folder of the host that root has bound for us. */
export interface Held {
  path: string;
  owner: Ids;
  release(): void;
}

/** The helper that root runs for this daemon. */
export class W4rden implements ExportedFolders {
  readonly #path: string;

  constructor(path = W4RDEN_SOCKET) {
    this.#path = path;
  }

  /** Binds a folder until it is released. With a `map` its owner is the agent there. Rejects with the helper's words. */
  async mount(folder: string, mode: "ro" | "rw", map?: MountRequest["map"]): Promise<Held> {
    const program = this.#ask({ verb: "mount", folder, mode, ...(map === undefined ? {} : { map }) });
    const { path = "", owner } = await startedBy(program);
    // Afterwards the connection only waits for its end.
    program.on("error", () => {});
    return { path, owner, release: () => void program.kill() };
  }

  start(upstream: Parameters<ExportedFolders["start"]>[0], task: Parameters<ExportedFolders["start"]>[1]): W4rdenProgram {
    const { folder, nonce } = upstream;
    if (task.what !== "push") return this.#ask({ verb: "export", folder, nonce, what: task.what });
    const { repo = "", branch, sha, clean } = task;
    return this.#ask({ verb: "deliver", folder, nonce, repo, branch, sha, clean });
  }

  /** Gives the socket of an operator to its Unix user. */
  async giveSocket(operator: string, uid: number): Promise<void> {
    await this.#done(this.#ask({ verb: "give_socket", operator, uid }));
  }

  /** Gives the socket of the trusted proxy to the Unix user that root has named. */
  async giveProxySocket(): Promise<void> {
    await this.#done(this.#ask({ verb: "give_proxy_socket" }));
  }

  async ownerOf(folder: string, nonce: string): Promise<Ids | { code: number }> {
    const { started, code } = await this.#done(this.#ask({ verb: "export", folder, nonce, what: "check" }));
    return started !== undefined && code === 0 ? started.owner : { code };
  }

  /** The containers of this hive. Only so many requests are made at once. */
  readonly containers: ContainerHelper = queuedContainers({
    start: async (request) => {
      const program = this.#ask({ verb: "container_start", ...request });
      const { started } = await this.#done(program);
      return { folder: started?.path ?? "", pid: started?.pid };
    },
    kill: async (agent) => void (await this.#done(this.#ask({ verb: "container_kill", agent }))),
    destroy: async (agent) => void (await this.#done(this.#ask({ verb: "container_destroy", agent }))),
    logs: async (agent, lines) => {
      const program = this.#ask({ verb: "container_logs", agent, lines, follow: false });
      program.stdin.end();
      program.stderr.resume();
      const [text] = await Promise.all([printed(program.stdout), once(program, "close")]);
      return text;
    },
    follow: (agent, lines, signal) => this.#follow(agent, lines, signal),
  });

  /** What a program of the helper prints, line by line. It ends with the reader or `signal`; otherwise it throws why. */
  async *#follow(agent: string, lines: number, signal: AbortSignal): AsyncGenerator<string[]> {
    if (signal.aborted) return;
    const program = this.#ask({ verb: "container_logs", agent, lines, follow: true });
    let failure: unknown;
    program.on("error", (error) => (failure = error));
    // Its input stays open: the helper ends the program with it.
    program.stderr.resume();
    const end = (): void => void program.kill();
    signal.addEventListener("abort", end, { once: true });
    try {
      yield* linesOf(program.stdout);
      if (signal.aborted) return;
      throw failure ?? new HiveError("unavailable", "the program that follows the journal has ended: follow it again");
    } finally {
      signal.removeEventListener("abort", end);
      end();
    }
  }

  #ask(request: W4rdenRequest): W4rdenProgram {
    return new W4rdenProgram(request, this.#path);
  }

  /** How a program without input and output has ended, and what the helper has said at its start. */
  async #done(program: W4rdenProgram): Promise<{ code: number; started?: W4rdenStarted }> {
    program.stdin.end();
    for (const stream of [program.stdout, program.stderr]) stream.resume();
    let started: W4rdenStarted | undefined;
    program.once("started", (one: W4rdenStarted) => (started = one));
    const [code] = (await once(program, "close")) as [number | null];
    return { code: code ?? -1, ...(started === undefined ? {} : { started }) };
  }
}

async function startedBy(program: W4rdenProgram): Promise<W4rdenStarted> {
  const [started] = (await once(program, "started")) as [W4rdenStarted];
  return started;
}

/** Bytes of a journal that are kept: a thousand lines have a tenth of it. */
const MAX_JOURNAL_BYTES = 1024 * 1024;

/** What a program of the helper prints, its end if it is too long. */
async function printed(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) text = (text + String(chunk)).slice(-MAX_JOURNAL_BYTES);
  return text;
}

/** Characters of a line that is passed on. A longer one is broken: nothing of it is kept meanwhile. */
const MAX_LINE_CHARS = 16 * 1024;

/** The whole lines of each piece as it comes. */
async function* linesOf(stream: Readable): AsyncGenerator<string[]> {
  let rest = "";
  for await (const chunk of stream.setEncoding("utf8")) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_CHARS) {
      lines.push(rest);
      rest = "";
    }
    if (lines.length > 0) yield lines;
  }
  if (rest !== "") yield [rest];
}

/** The helper, if root has started this daemon through it. */
export function findW4rden(): W4rden | undefined {
  return existsSync(W4RDEN_SOCKET) ? new W4rden() : undefined;
}
