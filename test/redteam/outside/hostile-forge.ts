import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openBridge } from "../../../src/harness/bridge.ts";
import { connectLines } from "../../../src/rpc/client.ts";
import type { ChangeView } from "../../../src/wire/work.ts";
import type { StandInAnswer, StandInPull } from "../../lib/forge-pulls.ts";
import { GitServer } from "../../lib/git-server.ts";
import { GithubStandIn } from "../../lib/github-stand-in.ts";
import { GIT_USER, runIn } from "../../lib/work-git.ts";
import type { Place } from "./place.ts";

/** The token of the operator for the forge. It may reach no other host, and no page. */
export const TOKEN = "ghp_the-token-of-the-operator-for-the-forge";
const REPO = "forged";
const AUTHOR = "eva";

/** What the hostile agent says, which would notify people and close issues. */
const TEXT = { title: "Fix @octocat #7", body: "fixes #12, closes acme/web#3, thanks @acme/team, see GH-4" };
/** What a forge would act on. */
const ACTIVE = /@\w|#\d|GH-\d/;

/** A forge that has been taken over, with an open pull request of a hostile agent's change. */
export class HostileForge {
  readonly forge: GithubStandIn;
  /** Another host, to which the token does not belong. */
  readonly other: GitServer;
  readonly #place: Place;
  readonly #change: number;

  private constructor(place: Place, found: { forge: GithubStandIn; other: GitServer; change: number }) {
    this.#place = place;
    this.forge = found.forge;
    this.other = found.other;
    this.#change = found.change;
  }

  static async start(place: Place): Promise<HostileForge> {
    const { hive } = place;
    const [server, other] = await Promise.all([new GitServer({ token: TOKEN }).start(), new GitServer().start()]);
    place.atEnd(() => Promise.all([server.stop(), other.stop()]));
    server.commit("README.md", "# web\n");
    const forge = new GithubStandIn(server, TOKEN);
    const host = await connectLines(hive.socket, { ordered: true });
    try {
      const input = { name: REPO, address: server.address, token: TOKEN, private: true, ca: server.ca, forge: "github" as const };
      for await (const { repo } of host.stream("repo_add_remote", input)) if (repo) break;
    } finally {
      host.close();
    }
    await hive.call("spawn", { name: AUTHOR, config: { repos: [{ name: REPO }] } });
    await hive.untilAgent(AUTHOR, (agent) => agent.state === "idle");
    const change = await propose(place);
    const { change: seen } = await hive.call("change", { change });
    await hive.call("change_approve", { change, sha: seen.sha, digest: seen.digest });
    const made = new HostileForge(place, { forge, other, change });
    await made.until(({ pull_request: pull }) => pull?.state === "open");
    return made;
  }

  /** The change once it is as wanted. */
  async until(isIt: (change: ChangeView) => boolean): Promise<ChangeView> {
    const events = await this.#place.hive.watch(
      (event) => event.kind === "change" && event.change.id === this.#change && isIt(event.change),
      { after: 0, kinds: ["change"] },
    );
    return (events.at(-1) as { change: ChangeView }).change;
  }

  /** Lets the forge answer each look with this, and returns what the hive says of it. It is well again afterwards. */
  async answering(answer: (pull: StandInPull) => StandInAnswer): Promise<ChangeView> {
    this.forge.instead = () => answer(this.forge.last);
    try {
      await this.look();
      return await this.until(({ state, pull_request: pull }) => state !== "in_pull_request" || pull?.failed !== undefined);
    } finally {
      this.forge.instead = () => undefined;
      await this.look();
      await this.until(({ state, pull_request: pull }) => state !== "in_pull_request" || pull?.failed === undefined);
    }
  }

  /** Holds the next answer until it may go on. Resolves once it was given. */
  holding(onAsked: () => void, until: Promise<void>): Promise<void> {
    const given = Promise.withResolvers<void>();
    this.forge.holds = async () => {
      this.forge.holds = undefined;
      onAsked();
      await until;
      given.resolve();
    };
    return given.promise;
  }

  /** Has the hive look at the pull request now. */
  async look(): Promise<void> {
    await this.#place.hive.call("repo_fetch", { name: REPO });
  }

  /** What the forge has of the agent's text that it would act on. Throws what it has if that is nothing. */
  text(): string {
    const { title, body } = this.forge.last;
    const found = ACTIVE.exec(`${title} ${body}`)?.[0];
    if (found !== undefined) return `the forge acts on ${found}`;
    throw new Error("a character that is not seen is in each mention and reference");
  }
}

/** Has the hostile agent push a branch and propose it. */
async function propose({ hive }: Place): Promise<number> {
  const bridge = await openBridge(join(dirname(hive.agentSocket(AUTHOR)), "git.sock"));
  const clone = join(hive.folder, "forged");
  const url = `http://127.0.0.1:${bridge.port}/${REPO}`;
  try {
    const git = async (...argv: string[]): Promise<void> => {
      const { code, err } = await runIn(hive.folder, "git", argv);
      if (code !== 0) throw new Error(`git ${argv[0]}: ${err.trim()}`);
    };
    await git("clone", "-q", url, clone);
    writeFileSync(join(clone, "evil.txt"), "evil\n");
    execFileSync("git", ["-C", clone, "add", "-A"], { env: GIT_USER });
    await git("-C", clone, "commit", "-qm", "evil");
    await git("-C", clone, "push", "-q", "origin", "HEAD:refs/heads/evil");
  } finally {
    bridge.close();
  }
  const agent = await connectLines(hive.agentSocket(AUTHOR));
  try {
    return (await agent.call("propose_change", { repo: REPO, branch: "evil", ...TEXT })).change.id;
  } finally {
    agent.close();
  }
}
