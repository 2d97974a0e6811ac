import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NewRemote } from "../../src/work/remote/remotes.ts";
import { certificates } from "../lib/certificates.ts";
import { GitServer } from "../lib/git-server.ts";

/** What a merge of the hive has in its message, with the number of its change. */
const TRAILER = /^Hive-Change: web\/(\d+)$/m;

/** A git server that outlives the hive that pushes to it: its address, its certificate and its repository stay. */
export class FollowedHost {
  readonly #server: GitServer;

  private constructor(server: GitServer) {
    this.#server = server;
  }

  /** Opens the server of a folder. A new one has one commit. */
  static async open(folder: string, { isNew }: { isNew: boolean }): Promise<FollowedHost> {
    const repository = join(folder, "upstream");
    if (isNew) rmSync(repository, { recursive: true, force: true });
    const memory = join(folder, "upstream.json");
    const known = existsSync(memory)
      ? (JSON.parse(readFileSync(memory, "utf8")) as { port: number; keys: ReturnType<typeof certificates> })
      : { port: 0, keys: certificates(["IP:127.0.0.1"]) };
    const server = await new GitServer({ folder: repository, ...known }).start();
    writeFileSync(memory, JSON.stringify({ ...known, port: server.port }));
    if (server.tip() === undefined) server.commit("README.md", "# web\n");
    return new FollowedHost(server);
  }

  /** With what the hive follows it. */
  get remote(): NewRemote {
    return { address: this.#server.address, ca: this.#server.ca, private: true };
  }

  get tip(): string {
    return this.#server.tip() ?? "";
  }

  /** True if its base contains a commit. */
  contains(sha: string): boolean {
    try {
      this.#server.git("merge-base", "--is-ancestor", sha, "refs/heads/main");
      return true;
    } catch {
      // It is not there, or on no path to the tip.
      return false;
    }
  }

  /** Moves its base as another user who pushes, and returns the commit. Undefined if another push was faster. */
  commitOfOthers(): string | undefined {
    const tip = this.tip;
    const sha = this.#server.git("commit-tree", `${tip}^{tree}`, "-p", tip, "-m", "of others");
    try {
      this.#server.git("update-ref", "refs/heads/main", sha, tip);
      return sha;
    } catch {
      // The tip has moved.
      return undefined;
    }
  }

  /** The merges of its base, by their changes. A change that is there twice has two. */
  merges(): Map<number, string[]> {
    const found = new Map<number, string[]>();
    const log = this.#server.git("log", "--first-parent", "--format=%H%n%B%x00", "refs/heads/main");
    for (const entry of log.split("\0")) {
      const [sha = "", ...message] = entry.trim().split("\n");
      const id = Number(TRAILER.exec(message.join("\n"))?.[1]);
      if (id > 0) found.set(id, [...(found.get(id) ?? []), sha]);
    }
    return found;
  }

  /** What git finds wrong with it. Empty: nothing. */
  problems(): string {
    try {
      this.#server.git("fsck", "--no-dangling", "--no-progress");
      return "";
    } catch (error) {
      return `upstream: ${String(error)}`;
    }
  }

  close(): Promise<void> {
    return this.#server.stop();
  }
}
