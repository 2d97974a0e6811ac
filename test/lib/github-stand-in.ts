import { ForgeStandIn, factsOf, type StandInAnswer, type StandInCall, type StandInPull } from "./forge-pulls.ts";

/**
 * GitHub's pull requests, as GitHub Enterprise serves them below `/api/v3`.
 *
 * The contract: a token comes as `Bearer`. `POST /pulls` answers 201, and 422 if the branch has nothing new or has an open
 * pull request for that base already, with the reason in `errors`. `PATCH` answers 200. Lists filter by
 * `head=<owner>:<branch>` and `base`, and their entries lack `merged`. An open pull request has a `merge_commit_sha`
 * too: that of a trial merge. `GET /pulls/{number}` has an `etag`, and answers 304 to `if-none-match` of the same one.
 */
export class GithubStandIn extends ForgeStandIn {
  protected readonly prefix = "/api/v3/repos/team/web";
  protected readonly api = factsOf("github");

  protected authorization = (token: string): string => `Bearer ${token}`;

  protected show(pull: StandInPull, isListed: boolean): object {
    const { number, state, merged, mergeCommit, title, body, head, base, sha } = pull;
    return {
      number,
      state,
      title,
      body,
      html_url: `${this.address}/pull/${number}`,
      merged_at: merged ? "2026-01-02T03:04:05Z" : null,
      merge_commit_sha: merged ? mergeCommit : "7".repeat(40),
      ...(isListed ? {} : { merged, mergeable: merged ? null : true }),
      head: this.branch(head, sha),
      base: this.branch(base, this.tip(base) ?? ""),
    };
  }

  protected handle({ method, path, query, body, headers }: StandInCall): StandInAnswer {
    const { title = "", body: text = "", state } = body as Partial<Record<string, string>>;
    if (method === "GET" && path === "/pulls")
      return { status: 200, json: this.#list(query).map((one) => this.shown(one, true)) };
    if (method === "POST") {
      const { head = "", base = "" } = body as Partial<Record<string, string>>;
      const why = this.#refusal(head, base);
      if (why !== undefined)
        return { status: 422, json: { message: "Validation Failed", errors: [{ resource: "PullRequest", message: why }] } };
      return { status: 201, json: this.shown(this.add({ title, body: text, head, base })) };
    }
    const pull = this.pulls.find(({ number }) => path === `/pulls/${number}`);
    if (!pull) return { status: 404, json: { message: "Not Found" } };
    if (method === "PATCH") {
      if (body["title"] !== undefined) Object.assign(pull, { title, body: text });
      if (state === "closed" || state === "open") pull.state = pull.merged ? "closed" : state;
      return { status: 200, json: this.shown(pull) };
    }
    const json = this.shown(pull);
    const etag = this.etag(json);
    return headers["if-none-match"] === etag ? { status: 304, headers: { etag } } : { status: 200, json, headers: { etag } };
  }

  #list(query: URLSearchParams): StandInPull[] {
    const [state, head, base] = [query.get("state") ?? "open", query.get("head"), query.get("base")];
    const all = this.pulls
      .filter((one) => state === "all" || one.state === state)
      .filter((one) => (head === null || head === `team:${one.head}`) && (base === null || base === one.base))
      .reverse();
    const size = Number(query.get("per_page") ?? 30);
    const page = Number(query.get("page") ?? 1);
    return all.slice((page - 1) * size, page * size);
  }

  #refusal(head: string, base: string): string | undefined {
    const [from, to] = [this.tip(head), this.tip(base)];
    if (from === undefined) return `head ${head} is invalid`;
    if (to === undefined) return `base ${base} is invalid`;
    if (this.pulls.some((one) => one.state === "open" && one.head === head && one.base === base))
      return `A pull request already exists for team:${head}.`;
    return from === to ? `No commits between ${base} and ${head}` : undefined;
  }
}
