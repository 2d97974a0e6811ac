import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { commitWriter } from "./commit-writer.ts";
import { certificates } from "./certificates.ts";

/** An answer of a test instead of git's. True: it has answered. */
type Instead = (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;

const ENV = {
  PATH: process.env["PATH"],
  HOME: "/nonexistent",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "t",
  GIT_AUTHOR_EMAIL: "t@hive.invalid",
  GIT_COMMITTER_NAME: "t",
  GIT_COMMITTER_EMAIL: "t@hive.invalid",
};

let backend: string | undefined;
/** Started by its path: `git` would be a process more for each request. */
const backendPath = (): string => join(execFileSync("git", ["--exec-path"], { encoding: "utf8" }).trim(), "git-http-backend");

/** What `git init` writes, without a process, and with pushes allowed. */
function makeBare(folder: string): void {
  for (const part of ["hooks", "objects/info", "objects/pack", "refs/heads", "refs/tags"])
    mkdirSync(join(folder, part), { recursive: true });
  writeFileSync(join(folder, "HEAD"), "ref: refs/heads/main\n");
  const core = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n";
  writeFileSync(join(folder, "config"), `${core}[http]\n\treceivepack = true\n`);
}

const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}`;

let made: ReturnType<typeof certificates> | undefined;

interface Options {
  token?: string;
  /** Where its repository is, and stays. By default in a new folder, which is removed. */
  folder?: string;
  /** By default any that is free. */
  port?: number;
  /** By default new ones. */
  keys?: ReturnType<typeof certificates>;
}

/**
 * A git server on loopback: `git http-backend` behind https, with a certificate of its own authority, for one repository,
 * `/team/web.git`. It asks for a token, unless there is none.
 */
export class GitServer {
  readonly folder: string;
  readonly bare: string;
  readonly ca: string;
  token: string | undefined;
  /** Asked before git. */
  instead: Instead = () => false;
  /** What was asked for: method, path and query. */
  readonly seen: string[] = [];
  readonly #server: Server;
  readonly #options: Options;
  readonly #writer: ReturnType<typeof commitWriter>;
  /** What git has answered when it was asked for the list of refs, by what that depends on. */
  readonly #lists = new Map<string, { status: number; headers: Record<string, string>; body: Buffer }>();
  /** The gits that answer now: the folder stays until they have ended. */
  readonly #running = new Set<ChildProcess>();

  constructor(options: Options = {}) {
    this.#options = options;
    this.token = options.token;
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), "git-server-"));
    this.bare = join(this.folder, "team", "web.git");
    const keys = options.keys ?? (made ??= certificates(["IP:127.0.0.1", "DNS:git.test"]));
    this.ca = keys.authority;
    this.#server = createServer({ key: keys.key, cert: keys.certificate }, (incoming, outgoing) => {
      this.seen.push(`${incoming.method} ${incoming.url}`);
      if (this.instead(incoming, outgoing)) return;
      const { authorization = "" } = incoming.headers;
      const given = Buffer.from(authorization.replace(/^Basic /, ""), "base64")
        .toString()
        .split(":")[1];
      if (this.token === undefined || given === this.token) return this.#git(incoming, outgoing);
      outgoing.writeHead(401, { "www-authenticate": 'Basic realm="git"' });
      outgoing.end();
    });
    if (!existsSync(this.bare)) makeBare(this.bare);
    this.#writer = commitWriter(this.bare);
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.#options.port ?? 0, "127.0.0.1", resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `https://127.0.0.1:${this.port}/team/web.git`;
  }

  /** Runs git in the repository. */
  git(...argv: string[]): string {
    return execFileSync("git", ["--git-dir", this.bare, ...argv], {
      encoding: "utf8",
      env: ENV,
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  }

  /** Runs a shell script in the repository. Starting a program costs this large process most, so one is cheaper than two. */
  sh(script: string, ...args: string[]): string {
    const env = { ...ENV, GIT_DIR: this.bare };
    return execFileSync("sh", ["-ec", script, "sh", ...args], {
      encoding: "utf8",
      env,
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  }

  /** Puts a branch at a commit of the repository. */
  move(branch: string, commit: string): void {
    const file = join(this.bare, "refs/heads", branch);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${commit}\n`);
  }

  /** Puts a commit with one file on a branch, and returns it. */
  commit(name: string, text: string, branch = "main"): string {
    const parent = this.tip(branch);
    const now = Math.floor(Date.now() / 1000);
    const who = `t <t@hive.invalid> ${now} +0000`;
    const written = this.#writer.write(parent, { [name]: text }, { who, message: `write ${name}\n` });
    if (written !== undefined) {
      this.move(branch, written);
      return written;
    }
    const lines = [`commit refs/heads/${branch}`, "mark :1", `committer ${who}`, data(`write ${name}\n`)];
    if (parent !== undefined) lines.push(`from ${parent}`);
    const input = [...lines, `M 100644 inline ${name}`, data(text), "get-mark :1", "done", ""].join("\n");
    // One process: as a pack, which needs no other that unpacks it.
    const argv = ["-c", "fastimport.unpackLimit=1", "--git-dir", this.bare, "fast-import", "--quiet", "--done"];
    return execFileSync("git", argv, { encoding: "utf8", env: ENV, input }).trim();
  }

  /** The commit of a branch. */
  tip(branch = "main"): string | undefined {
    const ref = `refs/heads/${branch}`;
    const loose = join(this.bare, ref);
    // Read as a file: stand-ins ask for it with each call.
    if (statSync(loose, { throwIfNoEntry: false })?.isFile() === true) return readFileSync(loose, "latin1").trim();
    const packed = join(this.bare, "packed-refs");
    const lines = existsSync(packed) ? readFileSync(packed, "utf8").split("\n") : [];
    return lines.find((line) => line.endsWith(` ${ref}`))?.split(" ")[0];
  }

  /** Installs a hook of the server. */
  hook(name: string, script: string): void {
    const file = join(this.bare, "hooks", name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }

  /** What the list of refs depends on. Undefined while git moves a file or folder of it. */
  #refs(): string | undefined {
    try {
      const inRefs = readdirSync(join(this.bare, "refs"), { recursive: true }).map((name) => `refs/${String(name)}`);
      const texts = ["HEAD", "config", "packed-refs", "shallow", ...inRefs].map((name) => {
        const file = join(this.bare, name);
        return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? `${name} ${readFileSync(file, "latin1")}` : "";
      });
      return texts.join("\n");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  #git(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { pathname, searchParams } = new URL(incoming.url ?? "/", "https://git.test");
    const refs = incoming.method === "GET" && pathname.endsWith("/info/refs") ? this.#refs() : undefined;
    const list = refs === undefined ? undefined : `${incoming.url} ${refs}`;
    const known = list === undefined ? undefined : this.#lists.get(list);
    if (known) {
      outgoing.writeHead(known.status, known.headers);
      outgoing.end(known.body);
      return;
    }
    const child = spawn((backend ??= backendPath()), [], {
      env: {
        ...ENV,
        GIT_PROJECT_ROOT: this.folder,
        GIT_HTTP_EXPORT_ALL: "1",
        REMOTE_USER: "hive",
        REMOTE_ADDR: "127.0.0.1",
        REQUEST_METHOD: incoming.method,
        PATH_INFO: pathname,
        QUERY_STRING: searchParams.toString(),
        CONTENT_TYPE: incoming.headers["content-type"] ?? "",
      },
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#running.add(child);
    child.once("close", () => this.#running.delete(child));
    incoming.pipe(child.stdin);
    child.stdin.on("error", () => {}); // Git has ended early; its answer says why.
    let head = Buffer.alloc(0);
    const onHead = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      child.stdout.off("data", onHead);
      const headers = Object.fromEntries(
        head
          .toString("latin1", 0, end)
          .split("\r\n")
          .map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
      );
      const { status = "200", ...others } = headers;
      outgoing.writeHead(Number.parseInt(status, 10), others);
      outgoing.write(head.subarray(end + 4));
      child.stdout.pipe(outgoing);
      if (list === undefined) return;
      const body: Buffer[] = [head.subarray(end + 4)];
      child.stdout.on("data", (more: Buffer) => void body.push(more));
      child.once("close", (code) => {
        if (code === 0 && this.#refs() === refs)
          this.#lists.set(list, { status: Number.parseInt(status, 10), headers: others, body: Buffer.concat(body) });
      });
    };
    child.stdout.on("data", onHead);
    outgoing.once("close", () => {
      child.kill("SIGKILL");
      child.stdout.resume(); // Unread output would keep the child from closing.
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    // Closed connections kill them, and what they leave half done is looked at by nothing.
    await Promise.all([...this.#running].map((child) => once(child, "close")));
    if (this.#options.folder === undefined) rmSync(this.folder, { recursive: true, force: true });
  }
}
