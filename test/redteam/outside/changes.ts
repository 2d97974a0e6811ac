import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openBridge } from "../../../src/harness/bridge.ts";
import { connectLines } from "../../../src/rpc/client.ts";
import { GIT_USER, runIn } from "../../lib/work-git.ts";
import type { Place } from "./place.ts";

/** A repository of the operator and a hostile agent that works on it, over the agent's own sockets. */

export const AUTHOR = "bob";
const REPO = "work";

export class Changes {
  readonly #place: Place;
  readonly #clone: string;
  readonly #url: string;

  private constructor(place: Place, clone: string, url: string) {
    this.#place = place;
    this.#clone = clone;
    this.#url = url;
  }

  static async start(place: Place): Promise<Changes> {
    const { hive } = place;
    await hive.call("repo_create", { name: REPO });
    const clone = join(hive.folder, "clone");
    mkdirSync(clone);
    execFileSync("git", ["init", "-q", "-b", "main", clone], { env: GIT_USER });
    const { token } = await hive.call("repo_token", { name: REPO });
    writeFileSync(join(clone, "README.md"), "# work\n");
    await git(clone, "add", "-A");
    await git(clone, "commit", "-qm", "first");
    await git(clone, "push", "-q", `http://operator:${token}@127.0.0.1:${place.port}/git/${REPO}`, "main");
    await hive.call("spawn", { name: AUTHOR, config: { repos: [{ name: REPO }] } });
    await hive.untilAgent(AUTHOR, (agent) => agent.state === "idle");
    const bridge = await openBridge(join(dirname(hive.agentSocket(AUTHOR)), "git.sock"));
    place.atEnd(() => Promise.resolve(bridge.close()));
    return new Changes(place, clone, `http://127.0.0.1:${bridge.port}/${REPO}`);
  }

  /** Pushes these files to a branch of the agent. A text that begins with `->` is a link, null removes a file. */
  async push(branch: string, files: Record<string, string | Buffer>): Promise<string> {
    const clone = this.#clone;
    await git(clone, "switch", "-q", "-C", branch, "main");
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(clone, path)), { recursive: true });
      rmSync(join(clone, path), { force: true });
      if (typeof content === "string" && content.startsWith("->")) symlinkSync(content.slice(2), join(clone, path));
      else writeFileSync(join(clone, path), content);
    }
    await git(clone, "add", "-A");
    await git(clone, "commit", "-qm", "a change");
    await git(clone, "push", "-q", "--force", this.#url, branch);
    return git(clone, "rev-parse", "HEAD");
  }

  /** Pushes a link to a commit of another repository. */
  async pushSubmodule(branch: string, path: string): Promise<string> {
    const clone = this.#clone;
    await git(clone, "switch", "-q", "-C", branch, "main");
    await git(clone, "update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},${path}`);
    await git(clone, "commit", "-qm", "a submodule");
    await git(clone, "push", "-q", "--force", this.#url, branch);
    const sha = await git(clone, "rev-parse", "HEAD");
    await git(clone, "switch", "-q", "--discard-changes", "main");
    return sha;
  }

  /** Proposes the tip of a branch. */
  async propose(branch: string): Promise<{ id: number; sha: string }> {
    const client = await connectLines(this.#place.hive.agentSocket(AUTHOR));
    try {
      const { change } = await client.call("propose_change", { repo: REPO, branch, title: `of ${branch}` });
      return { id: change.id, sha: change.sha };
    } finally {
      client.close();
    }
  }

  /** The content of a file on the base, or an empty text. */
  async onBase(path: string): Promise<string> {
    const { token } = await this.#place.hive.call("repo_token", { name: REPO });
    await git(this.#clone, "fetch", "-q", `http://operator:${token}@127.0.0.1:${this.#place.port}/git/${REPO}`, "main");
    return (await runIn(this.#clone, "git", ["show", `FETCH_HEAD:${path}`])).out;
  }
}

async function git(folder: string, ...argv: string[]): Promise<string> {
  const { code, out, err } = await runIn(folder, "git", argv);
  if (code !== 0) throw new Error(`git ${argv[0]}: ${err.trim()}`);
  return out.trim();
}
