import { ForgeStandIn, factsOf, type StandInAnswer, type StandInCall, type StandInPull } from "./forge-pulls.ts";

/**
 * Pull requests of Forgejo and Gitea, below `/api/v1`.
 *
 * The contract: a token comes as `token <it>`. `POST /pulls` and `PATCH` answer 201; a second one for the same branches 409;
 * a change of the state of a merged one 412. A list has no filter of the branch that is merged. Once that branch was
 * removed, `head.ref` names `refs/pull/<number>/head`. There is no `etag`.
 */
export class ForgejoStandIn extends ForgeStandIn {
  protected readonly prefix = "/api/v1/repos/team/web";
  protected readonly api = factsOf("forgejo");

  protected authorization = (token: string): string => `token ${token}`;

  protected show(pull: StandInPull): object {
    const { number, state, merged, mergeCommit, title, body, head, base, sha } = pull;
    const ref = this.tip(head) === undefined ? `refs/pull/${number}/head` : head;
    return {
      number,
      state,
      title,
      body,
      html_url: `${this.address}/pulls/${number}`,
      merged,
      merged_at: merged ? "2026-01-02T03:04:05Z" : null,
      merge_commit_sha: mergeCommit,
      mergeable: !merged,
      head: { ...this.branch(ref, sha), repo_id: 1 },
      base: { ...this.branch(base, this.tip(base) ?? ""), repo_id: 1 },
    };
  }

  protected handle({ method, path, query, body }: StandInCall): StandInAnswer {
    const { title = "", body: text = "", state, head = "", base = "" } = body as Partial<Record<string, string>>;
    if (method === "GET" && path === "/pulls")
      return { status: 200, json: this.#list(query).map((one) => this.shown(one, true)) };
    if (method === "POST") {
      if (this.tip(head) === undefined || this.tip(base) === undefined)
        return { status: 404, json: { message: "branch not found" } };
      if (this.pulls.some((one) => one.state === "open" && one.head === head && one.base === base))
        return { status: 409, json: { message: "pull request already exists for these targets" } };
      return { status: 201, json: this.shown(this.add({ title, body: text, head, base })) };
    }
    const pull = this.pulls.find(({ number }) => path === `/pulls/${number}`);
    if (!pull) return { status: 404, json: { message: "not found" } };
    if (method === "PATCH") {
      if (state !== undefined && pull.merged)
        return { status: 412, json: { message: "cannot change the state of a merged pull request" } };
      if (body["title"] !== undefined) Object.assign(pull, { title, body: text });
      if (state === "closed" || state === "open") pull.state = state;
      return { status: 201, json: this.shown(pull) };
    }
    return { status: 200, json: this.shown(pull) };
  }

  #list(query: URLSearchParams): StandInPull[] {
    const state = query.get("state") ?? "open";
    const base = query.get("base_branch");
    const all = this.pulls
      .filter((one) => (state === "all" || one.state === state) && (base === null || base === one.base))
      .reverse();
    const size = Number(query.get("limit") ?? 30);
    const page = Number(query.get("page") ?? 1);
    return all.slice((page - 1) * size, page * size);
  }
}
