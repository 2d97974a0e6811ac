import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connectLines } from "../../../src/rpc/client.ts";
import { GitServer } from "../../lib/git-server.ts";
import type { Place } from "./place.ts";

/** The token of the operator for the upstream. It may reach no other host. */
const TOKEN = "ghp_the-token-of-the-operator-for-the-upstream";

/** How a repository of another host is added, besides its name. */
interface Added {
  private?: boolean;
  /** False: without the authority that has signed the server's certificate. */
  trusts?: boolean;
}

/** A git server of another host that the operator's repository follows, and that has been taken over. */
export class HostileUpstream {
  readonly server: GitServer;
  /** Another host, to which the token does not belong. */
  readonly other: GitServer;
  readonly #place: Place;
  #count = 0;

  private constructor(place: Place, servers: { server: GitServer; other: GitServer }) {
    this.#place = place;
    this.server = servers.server;
    this.other = servers.other;
  }

  static async start(place: Place): Promise<HostileUpstream> {
    const [server, other] = await Promise.all([new GitServer({ token: TOKEN }).start(), new GitServer().start()]);
    place.atEnd(() => Promise.all([server.stop(), other.stop()]));
    for (const one of [server, other]) one.commit("README.md", "# web\n");
    return new HostileUpstream(place, { server, other });
  }

  /** Adds the server's repository under a new name. Resolves with its refs; rejects with the refusal. */
  async add({ private: isPrivate = true, trusts = true }: Added = {}): Promise<string> {
    const { server } = this;
    const name = `up-${(this.#count += 1)}`;
    const client = await connectLines(this.#place.hive.socket, { ordered: true });
    try {
      const input = {
        name,
        address: server.address,
        token: TOKEN,
        private: isPrivate,
        ...(trusts ? { ca: server.ca } : {}),
      };
      for await (const { repo } of client.stream("repo_add_remote", input)) if (repo) return this.#refsOf(name);
      return "nothing was added";
    } finally {
      client.close();
    }
  }

  /** The refs of a repository, from the daemon's own folder. */
  #refsOf(name: string): string {
    const folder = join(this.#place.hive.stateDir, "repos", `${name}.git`);
    const argv = ["-c", "safe.directory=*", "--git-dir", folder, "for-each-ref", "--format=%(refname)"];
    return execFileSync("git", argv, { encoding: "utf8" }).trim().split("\n").join(" ");
  }

  /** Lets the server answer in the place of git while something runs, and forgets what it was asked before. */
  async answering<T>(
    answer: (incoming: IncomingMessage, outgoing: ServerResponse) => boolean,
    run: () => Promise<T>,
  ): Promise<T> {
    const { server, other } = this;
    for (const one of [server, other]) one.seen.length = 0;
    server.instead = answer;
    try {
      return await run();
    } finally {
      server.instead = () => false;
    }
  }

  /** Makes a tree with one entry the tip of the server's branch while something runs. */
  async serving<T>(entry: { mode: string; name: string; text: string }, run: () => Promise<T>): Promise<T> {
    const { server } = this;
    const good = server.tip() ?? "";
    const write = (argv: string[], input: string): string =>
      execFileSync("git", ["--git-dir", server.bare, ...argv], { input, encoding: "utf8" }).trim();
    const blob = write(["hash-object", "-w", "--stdin"], entry.text);
    const tree = write(["mktree"], `${entry.mode} blob ${blob}\t${entry.name}\n`);
    const commit = ["-c", "user.name=evil", "-c", "user.email=evil@hive.invalid", "commit-tree", tree, "-m", "evil"];
    server.git("update-ref", "refs/heads/main", server.git(...commit));
    try {
      return await run();
    } finally {
      server.git("update-ref", "refs/heads/main", good);
    }
  }
}
