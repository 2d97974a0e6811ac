import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { isUtf8 } from "node:buffer";
import type { Agent } from "../agents/agent.ts";
import { jsonBytes } from "../lib/json-bytes.ts";
import type { Paths } from "../lib/paths.ts";
import { Slots } from "../lib/slots.ts";
import { collect, killGroup } from "../os/run-bytes.ts";
import type { SandboxedRun } from "../os/sandboxed-run.ts";
import { HiveError } from "../wire/error.ts";
import {
  FILE_ROOTS,
  MAX_DOWNLOAD_BYTES,
  MAX_DOWNLOAD_ENTRIES,
  MAX_FILE_VIEW_BYTES,
  MAX_FOLDER_ENTRIES,
  MAX_PICTURE_BYTES,
} from "../wire/file-limits.ts";
import type { FileView } from "../wire/files.ts";
import type { Output } from "../wire/operations.ts";
import { MAX_LISTING_BYTES } from "../wire/limits.ts";
import { DownloadHead, headLine, listing, ListAnswer, MAX_HEAD_BYTES, parseAnswer, ReadAnswer, unreadable } from "./answers.ts";
import { Source } from "./source.ts";
import { pictureType } from "../wire/picture.ts";
import type { ReaderRequest } from "./reader/request.ts";
import type { ReaderProgram } from "./reader-program.ts";

export interface AgentFilesDeps {
  sandboxedRun: SandboxedRun;
  paths: Pick<Paths, "agent">;
  program: ReaderProgram;
  /** Longest wait for a reader. Milliseconds. */
  waitMs?: number;
}

/** What is needed of an agent. */
export type Owner = Pick<Agent, "id" | "name"> & { record: Pick<Agent["record"], "identity"> };

/** Readers that run at once, and of them on one agent: each is a process. */
const MAX_READERS = 8;
const MAX_READERS_OF_AGENT = 4;
/** Calls that wait for a reader at once, and of them for one agent: several pages that are opened together. */
const MAX_WAITING = 64;
const MAX_WAITING_OF_AGENT = 16;
/** Longest wait for a reader: as long as one look may take. Milliseconds. */
const WAIT_MS = 60_000;
/** Address space of the reader: Node reserves two thirds of it and uses little. Bytes. */
const MEMORY_BYTES = 4 * 1024 ** 3;
/** Processor time and time for one look: a listing of the largest folder on a slow disk. */
const CPU_SECONDS = 60;
const LOOK_MS = 60_000;
/** Time for a download of the largest size over a slow line. Milliseconds. */
const DOWNLOAD_MS = 6 * 60 * 60_000;
/** Time for an upload of the largest size over a slow line. Milliseconds. */
const UPLOAD_MS = 60 * 60_000;
/** Bytes of JSON of a text that is shown: within an answer of a socket. Text of control characters is six times as long. */
const MAX_TEXT_JSON_BYTES = 15 * 1024 * 1024;

const LIMITS = {
  most: MAX_READERS,
  mostPerKey: MAX_READERS_OF_AGENT,
  waiting: {
    most: MAX_WAITING,
    mostPerKey: MAX_WAITING_OF_AGENT,
    full: () =>
      new HiveError(
        "rate_limited",
        `${MAX_WAITING_OF_AGENT} calls wait for the files of this agent, or ${MAX_WAITING} for files at all: wait for some of them, or end some`,
      ),
  },
};

/** A file or folder that is being sent. */
export interface Download {
  head: DownloadHead;
  /** The bytes as they come. The reader waits until they are taken. Throws if they are not complete. */
  pieces(): AsyncGenerator<Buffer, void>;
  /** Ends the reader. Has no effect the second time. */
  close(): void;
}

/**
 * The files of agents, as their operators see them. What is in them is the agents', and hostile: a program of the hive
 * reads them in a sandbox of its own with the agent's identity, which has these files and nothing else. It works whether
 * the agent runs or not.
 */
export class AgentFiles {
  readonly #deps: AgentFilesDeps;
  readonly #slots = new Slots(LIMITS);
  /** Downloads are apart: they last as long as their clients take. */
  readonly #downloads = new Slots(LIMITS);

  constructor(deps: AgentFilesDeps) {
    this.#deps = deps;
  }

  /** The names in a folder; in `/`, the folders that an agent has. */
  async list(agent: Owner, path: string): Promise<Output<"file_list">> {
    const answer = await this.#look(agent, {
      task: "list",
      path,
      // The other folders at the top are the sandbox's.
      ...(path === "/" ? { only: FILE_ROOTS.map((root) => root.slice(1)) } : {}),
      maxEntries: MAX_FOLDER_ENTRIES,
      maxBytes: MAX_LISTING_BYTES,
    });
    return listing(ListAnswer.parse(parseAnswer(answer.toString("utf8"))));
  }

  /** A file as it can be shown. */
  async read(agent: Owner, path: string): Promise<FileView> {
    const answer = await this.#look(agent, { task: "read", path: filePath(path), maxBytes: MAX_FILE_VIEW_BYTES });
    const { line, rest } = headLine(answer);
    const { bytes, is_read: isRead } = ReadAnswer.parse(parseAnswer(line));
    if (!isRead) return { path, bytes, shows: "too_large" };
    const type = pictureType(rest);
    if (type !== undefined)
      return bytes > MAX_PICTURE_BYTES
        ? { path, bytes, shows: "too_large" }
        : { path, bytes, shows: "picture", picture: { type, base64: rest.toString("base64") } };
    if (rest.includes(0) || !isUtf8(rest)) return { path, bytes, shows: "binary" };
    const text = rest.toString("utf8");
    return jsonBytes(text) > MAX_TEXT_JSON_BYTES ? { path, bytes, shows: "binary" } : { path, bytes, shows: "text", text };
  }

  /**
   * A file as it is, or a folder as a tar archive of its files and folders. Resolves once it is known that it can be sent.
   * The caller closes it. `ended` ends it at any time.
   */
  async download(agent: Owner, path: string, ended: AbortSignal): Promise<Download> {
    const slot = await this.#enter(this.#downloads, agent, ended);
    try {
      const limits = { maxBytes: MAX_DOWNLOAD_BYTES, maxEntries: MAX_DOWNLOAD_ENTRIES };
      const source = new Source(this.#start(agent, { task: "download", path: filePath(path), ...limits }), agent.name);
      const end = (): void => source.end();
      const timer = setTimeout(end, DOWNLOAD_MS);
      ended.addEventListener("abort", end, { once: true });
      const close = (): void => {
        clearTimeout(timer);
        ended.removeEventListener("abort", end);
        end();
        slot.leave();
      };
      try {
        const head = DownloadHead.parse(parseAnswer(await source.line()));
        return { head, pieces: () => source.pieces(), close };
      } catch (error) {
        close();
        throw error;
      }
    } catch (error) {
      slot.leave();
      throw error;
    }
  }

  /**
   * Starts the program that writes a new file from its standard input. The caller ends it, and calls `leave` afterwards. It
   * ends by itself after a time.
   */
  async openWriter(
    agent: Owner,
    file: { folder: string; name: string; bytes: number },
  ): Promise<{ child: ChildProcess; leave: () => void }> {
    const slot = await this.#enter(this.#slots, agent);
    try {
      const child = this.#start(agent, { task: "write", ...file }, true);
      const timer = setTimeout(() => killGroup(child), UPLOAD_MS);
      child.once("close", () => clearTimeout(timer));
      return { child, leave: slot.leave };
    } catch (error) {
      slot.leave();
      throw error;
    }
  }

  #folders(agent: Owner): { at: string; host: string }[] {
    const own = this.#deps.paths.agent(agent.id);
    return [
      { at: FILE_ROOTS[0], host: own.state },
      { at: FILE_ROOTS[1], host: own.work },
    ];
  }

  /** Runs the reader to its end. */
  async #look(agent: Owner, request: ReaderRequest): Promise<Buffer> {
    const slot = await this.#enter(this.#slots, agent);
    try {
      const maxBytes = MAX_FILE_VIEW_BYTES + MAX_LISTING_BYTES + MAX_HEAD_BYTES;
      const done = await collect(this.#start(agent, request), { maxBytes, timeoutMs: LOOK_MS });
      if (done.code === 0 && !done.tooMuch) return done.stdout;
      const why = done.tooLong ? `it took longer than ${LOOK_MS / 1000} s` : lastLine(done.stderr);
      throw unreadable(agent.name, why);
    } finally {
      slot.leave();
    }
  }

  /** Waits for room for a reader, for a time. The caller leaves. */
  async #enter(slots: Slots, agent: Owner, ended?: AbortSignal): Promise<{ leave: () => void }> {
    const { waitMs = WAIT_MS } = this.#deps;
    const late = new AbortController();
    const words = `the files of ${agent.name} are being read by others for longer than ${waitMs / 1000} s: try again`;
    const timer = setTimeout(() => late.abort(new HiveError("unavailable", words)), waitMs);
    const left = Promise.withResolvers<void>();
    try {
      await new Promise<void>((resolve, reject) => {
        const work = (): Promise<void> => {
          resolve();
          return left.promise;
        };
        slots.run(agent.id, ended ? AbortSignal.any([ended, late.signal]) : late.signal, work).catch(reject);
      });
    } finally {
      clearTimeout(timer);
    }
    return { leave: left.resolve };
  }

  #start(agent: Owner, request: ReaderRequest, isWritable = false): ChildProcess {
    const [state, work] = this.#folders(agent);
    if (!state || !existsSync(state.host))
      throw new HiveError("not_found", `${agent.name} has no files: it has not been started yet`);
    const { uid, gid } = agent.record.identity;
    const { reads, argv } = this.#deps.program;
    return this.#deps.sandboxedRun({
      folder: state.host,
      at: state.at,
      writable: isWritable,
      reads: [...(work && existsSync(work.host) ? [work] : []), ...reads],
      proc: true,
      owner: { uid, gid },
      script: 'exec "$@"',
      args: [...argv, JSON.stringify(request)],
      env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" },
      memoryBytes: MEMORY_BYTES,
      cpuSeconds: CPU_SECONDS,
    });
  }
}

/** A path of a file. The folders at the top have no name in a folder. */
function filePath(path: string): string {
  if (path === "/") throw new HiveError("bad_request", `name a file or folder in ${FILE_ROOTS.join(" or ")}`);
  return path;
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";
