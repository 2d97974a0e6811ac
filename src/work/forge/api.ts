import { z } from "zod";
import { Sha } from "../../wire/approval.ts";
import { callForge, unreadable, withoutToken, type Answer, type Call, type ForgeConnection } from "./http.ts";
import type { PullText } from "./text.ts";

/** Pull requests on a page of a list, and pages that are read. Those with the newest changes come first. */
const PER_PAGE = 20;
const MAX_PAGES = 25;

/** Characters of a commit of SHA-256. A forge may leave it empty. */
const MAX_SHA_CHARS = 64;
/** The name of a branch: neither forge stores a longer one. */
const Ref = z.string().max(255);

/** A pull request as a forge describes it: the part of both APIs that the hive reads. */
const Pull = z.object({
  number: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  state: z.enum(["open", "closed"]),
  /** GitHub leaves it out of lists. */
  merged: z.boolean().nullish(),
  merged_at: z.string().nullish(),
  merge_commit_sha: Sha.nullish().catch(null),
  head: z.object({ ref: Ref, sha: z.string().max(MAX_SHA_CHARS), repo: z.object({ full_name: z.string() }).nullish() }),
  base: z.object({ ref: Ref }),
});
const Pulls = z.array(Pull).max(1_000);

/** What is known of a pull request. */
export interface Pulled {
  number: number;
  state: "open" | "merged" | "closed";
  /** The commit of the base with which it was merged. */
  mergedAs: Sha | undefined;
  /** The commit that it asks to merge. */
  head: string;
  /** The branch that it is for. */
  base: string;
}

/** A branch of the repository and the one that it is to be merged into. */
export interface Branches {
  head: string;
  base: string;
}

/** The pull requests of one repository on its forge. Every method throws as `callForge` does. */
export class ForgeApi {
  readonly #connection: ForgeConnection;
  readonly #stop: AbortSignal;

  constructor(connection: ForgeConnection, stop: AbortSignal) {
    this.#connection = connection;
    this.#stop = stop;
  }

  /** The address of the page of a pull request. */
  page(number: number): string {
    return this.#connection.place.page(number);
  }

  /**
   * The pull request of a branch: an open one, else one that has merged this commit and is not that of another change:
   * the same commit may be proposed again after its merge was reverted.
   */
  async find({ head, base }: Branches, sha: Sha, isOthers: (number: number) => boolean): Promise<Pulled | undefined> {
    const { owner, forge } = this.#connection.place;
    let merged: Pulled | undefined;
    for (let page = 1; page <= MAX_PAGES; page++) {
      const query = new URLSearchParams({
        state: "all",
        page: String(page),
        // Forgejo has no filter of the branch that is merged, and ignores the other one in old versions.
        ...(forge === "github"
          ? { head: `${owner}:${head}`, base, sort: "updated", direction: "desc", per_page: String(PER_PAGE) }
          : { base_branch: base, sort: "recentupdate", limit: String(PER_PAGE) }),
      });
      const { json } = await this.#call({ method: "GET", path: `/pulls?${query}` });
      const pulls = this.#parse(Pulls, json);
      for (const one of pulls.filter((pull) => pull.base.ref === base && this.#isOwn(pull))) {
        const found = this.#pulled(one);
        if (found.state === "open" && one.head.ref === head) return found;
        // Forgejo forgets the name of a branch that was removed after the merge.
        if (found.state === "merged" && found.head === sha && !isOthers(found.number)) merged ??= found;
      }
      if (pulls.length < PER_PAGE) break;
    }
    return merged;
  }

  async open({ head, base }: Branches, text: PullText): Promise<Pulled> {
    const { json } = await this.#call({ method: "POST", path: "/pulls", body: { ...text, head, base } });
    return this.#pulled(this.#parse(Pull, json));
  }

  async describe(number: number, text: PullText): Promise<Pulled> {
    return this.#edit(number, { ...text });
  }

  async close(number: number): Promise<Pulled> {
    return this.#edit(number, { state: "closed" });
  }

  /** A pull request as it is now. `pull` is undefined if nothing has changed since the answer with that mark. */
  async read(number: number, etag: string | undefined): Promise<{ pull: Pulled | undefined; etag: string | undefined }> {
    const answer = await this.#call({ method: "GET", path: `/pulls/${number}`, etag });
    return { pull: answer.json === undefined ? undefined : this.#pulled(this.#parse(Pull, answer.json)), etag: answer.etag };
  }

  async #edit(number: number, body: Record<string, string>): Promise<Pulled> {
    const { json } = await this.#call({ method: "PATCH", path: `/pulls/${number}`, body });
    return this.#pulled(this.#parse(Pull, json));
  }

  /** False for a branch of the same name in someone's fork. */
  #isOwn({ head }: z.infer<typeof Pull>): boolean {
    const { owner, name } = this.#connection.place;
    return head.repo?.full_name.toLowerCase() === `${owner}/${name}`.toLowerCase();
  }

  #call(call: Call): Promise<Answer> {
    return callForge(this.#connection, call, this.#stop);
  }

  #parse<T>(schema: z.ZodType<T>, json: unknown): T {
    const parsed = schema.safeParse(json);
    if (!parsed.success) throw unreadable(this.#connection);
    return parsed.data;
  }

  #pulled({ number, state, merged, merged_at: at, merge_commit_sha: commit, head, base }: z.infer<typeof Pull>): Pulled {
    const isMerged = merged ?? (at !== undefined && at !== null);
    // GitHub gives open ones the commit of a trial merge.
    return {
      number,
      state: isMerged ? "merged" : state,
      mergedAs: isMerged ? (commit ?? undefined) : undefined,
      head: head.sha,
      base: withoutToken(this.#connection)(base.ref),
    };
  }
}
