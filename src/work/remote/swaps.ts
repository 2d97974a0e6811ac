import { hivectl } from "../../lib/hivectl.ts";
import type { Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import { pushesFirst, type Repo } from "../repo-record.ts";
import type { Fetched, Upstreams } from "../upstream.ts";
import type { Remotes } from "./remotes.ts";

/** How a push of a merge ended. `lost`: the upstream has moved meanwhile. `refused`: it does not take it, and says why. */
export type Swapped = { end: "pushed" } | { end: "lost" } | { end: "refused"; why: string };

const HEADS = "refs/heads/";

/** Moves bases of upstreams on other hosts by compare-and-swap, for repositories whose merges are pushed first. */
export class Swaps {
  readonly #remotes: Remotes;
  readonly #upstreams: Pick<Upstreams, "fetch" | "tip" | "pushed">;

  constructor(remotes: Remotes, upstreams: Pick<Upstreams, "fetch" | "tip" | "pushed">) {
    this.#remotes = remotes;
    this.#upstreams = upstreams;
  }

  /** True if a base of the repository moves only once its upstream has it. */
  applies(repo: Repo): boolean {
    return pushesFirst(repo);
  }

  /** Fetches, and moves the bases forward that the upstream contains. Throws a HiveError if the upstream does not answer. */
  refresh(repo: string, signal: AbortSignal): Promise<Fetched> {
    return this.#upstreams.fetch(repo, { signal });
  }

  /** The tip of a base of the upstream, as last fetched. */
  tip(repo: Repo, base: string): Promise<Sha | undefined> {
    return this.#upstreams.tip(repo.name, base);
  }

  /**
   * Moves a base of the upstream from one commit to another that contains it. If it throws, whether the upstream has the
   * commit is not known: `refresh` finds out.
   */
  async swap(repo: Repo, base: string, { from, to }: { from: Sha | undefined; to: Sha }, signal: AbortSignal): Promise<Swapped> {
    const pushed = await this.#remotes.push(repo, { ref: HEADS + base, from, to }, signal);
    if (pushed.end === "pushed") await this.#upstreams.pushed(repo.name, base, to);
    if (pushed.end !== "refused") return { end: pushed.end };
    // A server words a lost race as it likes, so the base itself says whether it was one.
    await this.#upstreams.fetch(repo.name, { signal });
    return (await this.#upstreams.tip(repo.name, base)) === from ? pushed : { end: "lost" };
  }

  /**
   * Pushes the hive's side of a base: to the base itself if that is a step forward, else to a branch of the hive's own,
   * where it can be merged. Returns the branch.
   */
  async offer(repo: Repo, base: string, to: Sha, { own, isDiverged }: Offer, signal: AbortSignal): Promise<string> {
    const branch = isDiverged ? own : base;
    const done = isDiverged
      ? await this.#remotes.push(repo, { ref: HEADS + branch, from: undefined, to, isOwn: true }, signal)
      : await this.swap(repo, base, { from: await this.tip(repo, base), to }, signal);
    if (done.end === "pushed") return branch;
    throw new HiveError(
      "conflict",
      done.end === "refused"
        ? `the upstream of ${repo.name} refuses ${branch}: ${done.why}`
        : `${branch} of the upstream of ${repo.name} has moved: ${hivectl(`repo fetch ${repo.name}`)}, then push again`,
    );
  }
}

interface Offer {
  /** The branch that is the hive's own there. */
  own: string;
  /** The upstream has commits that the base lacks. */
  isDiverged: boolean;
}
