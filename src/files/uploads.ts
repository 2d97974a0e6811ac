import { randomUUID } from "node:crypto";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { killGroup } from "../os/run-bytes.ts";
import { HiveError } from "../wire/error.ts";
import { INBOX_FOLDER } from "../wire/file-limits.ts";
import { MAX_HEAD_BYTES, parseAnswer, unreadable } from "./answers.ts";
import type { AgentFiles, Owner } from "./agent-files.ts";

/** Uploads that are open at once: each is a process. */
const MAX_UPLOADS = 8;
/** Time between two pieces after which an upload is given up. Milliseconds. */
const IDLE_MS = 60_000;
/** Characters of a sender's name of a file that are kept. */
const MAX_KEPT_CHARS = 80;

interface Upload {
  agent: Owner;
  /** Who sends it. No other operator can add to it. */
  actor: string;
  path: string;
  child: ChildProcess;
  leave(): void;
  /** Bytes that are still to come. */
  missing: number;
  /** What the program says once it has ended, and how it ended. */
  ended: Promise<{ code: number | null; answer: string; complaint: string }>;
  idle: NodeJS.Timeout;
}

/**
 * Files that operators send to agents. They are written by the same program as reads them, as the agent's user, into its
 * inbox: new files only, whose names are made here. A file that does not become whole is removed.
 */
export class Uploads {
  readonly #files: Pick<AgentFiles, "openWriter">;
  readonly #now: () => number;
  readonly #open = new Map<string, Upload>();
  /** Uploads that wait for their process. */
  #starting = 0;

  constructor({ files, now }: { files: Pick<AgentFiles, "openWriter">; now: () => number }) {
    this.#files = files;
    this.#now = now;
  }

  /** Begins an upload. Throws `rate_limited` if too many are open. */
  async start(agent: Owner, file: string, bytes: number, actor: string): Promise<string> {
    if (this.#open.size + this.#starting >= MAX_UPLOADS)
      throw new HiveError("rate_limited", `${MAX_UPLOADS} files are being sent already: wait until one of them has ended`);
    const name = inboxName(file, this.#now());
    this.#starting += 1;
    try {
      const { child, leave } = await this.#files.openWriter(agent, { folder: INBOX_FOLDER, name, bytes });
      const id = randomUUID();
      const idle = setTimeout(() => this.#drop(id), IDLE_MS);
      idle.unref();
      const path = `${INBOX_FOLDER}/${name}`;
      this.#open.set(id, { agent, actor, path, child, leave, missing: bytes, ended: endOf(child), idle });
      return id;
    } finally {
      this.#starting -= 1;
    }
  }

  /** Writes the next bytes. Resolves when the program takes more. */
  async piece(id: string, bytes: Buffer, actor: string): Promise<void> {
    const upload = this.#mine(id, actor);
    upload.idle.refresh();
    if (bytes.length > upload.missing) {
      this.#drop(id);
      throw new HiveError("conflict", "more bytes came than were announced: send the file again");
    }
    upload.missing -= bytes.length;
    const { stdin } = upload.child;
    // If the program has ended, the end of the upload says why.
    if (stdin?.write(bytes) === false) await Promise.race([once(stdin, "drain").catch(() => {}), upload.ended]);
  }

  /** Ends an upload, and answers whose it was and where its file is. Throws if it is not there. */
  async finish(id: string, actor: string): Promise<{ agent: Owner; path: string }> {
    const upload = this.#mine(id, actor);
    this.#open.delete(id);
    clearTimeout(upload.idle);
    try {
      upload.child.stdin?.end();
      const { code, answer, complaint } = await upload.ended;
      if (code !== 0) throw unreadable(upload.agent.name, complaint);
      parseAnswer(answer);
      return { agent: upload.agent, path: upload.path };
    } finally {
      upload.leave();
    }
  }

  /** Gives every upload up. */
  stop(): void {
    for (const id of this.#open.keys()) this.#drop(id);
  }

  #mine(id: string, actor: string): Upload {
    const upload = this.#open.get(id);
    if (upload?.actor !== actor)
      throw new HiveError(
        "not_found",
        "there is no such upload: it has ended, or nothing came for a minute. Send the file again",
      );
    return upload;
  }

  /** The program notices that less came than was announced, and removes the file. */
  #drop(id: string): void {
    const upload = this.#open.get(id);
    if (!upload) return;
    this.#open.delete(id);
    clearTimeout(upload.idle);
    upload.child.stdin?.end();
    void upload.ended.then(() => upload.leave());
  }
}

function endOf(child: ChildProcess): Upload["ended"] {
  let [answer, complaint] = ["", ""];
  child.stdin?.on("error", () => {}); // Its exit says why it ended.
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    answer += text;
    if (answer.length > MAX_HEAD_BYTES) killGroup(child);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (complaint = text.trim().split("\n").at(-1) ?? ""));
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: null, answer, complaint: error.message }));
    child.once("close", (code) => resolve({ code, answer, complaint }));
  });
}

/** A new name: when it came, four random digits, and what is harmless of the sender's name. */
function inboxName(file: string, now: number): string {
  const kept = file
    .slice(file.lastIndexOf("/") + 1)
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[.-]+/, "")
    .slice(-MAX_KEPT_CHARS)
    .replace(/^[.-]+/, "");
  const at = new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
  return `${at}-${randomUUID().slice(0, 4)}-${kept === "" ? "file" : kept}`;
}
