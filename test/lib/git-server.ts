import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
    if (!existsSync(this.bare)) execFileSync("git", ["init", "-q", "--bare", "-b", "main", this.bare], { env: ENV });
    this.git("config", "http.receivepack", "true");
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

  /** Puts a commit with one file on a branch, and returns it. */
  commit(name: string, text: string, branch = "main"): string {
    const blob = execFileSync("git", ["--git-dir", this.bare, "hash-object", "-w", "--stdin"], { env: ENV, input: text })
      .toString()
      .trim();
    const parent = this.tip(branch);
    const index = join(this.folder, "index");
    const env = { ...ENV, GIT_INDEX_FILE: index };
    const run = (...argv: string[]): string =>
      execFileSync("git", ["--git-dir", this.bare, ...argv], { encoding: "utf8", env }).trim();
    rmSync(index, { force: true });
    if (parent !== undefined) run("read-tree", parent);
    run("update-index", "--add", "--cacheinfo", `100644,${blob},${name}`);
    const commit = run("commit-tree", run("write-tree"), ...(parent === undefined ? [] : ["-p", parent]), "-m", `write ${name}`);
    run("update-ref", `refs/heads/${branch}`, commit);
    return commit;
  }

  /** The commit of a branch. */
  tip(branch = "main"): string | undefined {
    const lines = this.git("for-each-ref", "--format=%(refname) %(objectname)", `refs/heads/${branch}`).split("\n");
    return lines.find((line) => line.startsWith(`refs/heads/${branch} `))?.split(" ")[1];
  }

  /** Installs a hook of the server. */
  hook(name: string, script: string): void {
    const file = join(this.bare, "hooks", name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }

  #git(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { pathname, searchParams } = new URL(incoming.url ?? "/", "https://git.test");
    const child = spawn("git", ["http-backend"], {
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
    };
    child.stdout.on("data", onHead);
    outgoing.once("close", () => child.kill("SIGKILL"));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    if (this.#options.folder === undefined) rmSync(this.folder, { recursive: true, force: true });
  }
}
