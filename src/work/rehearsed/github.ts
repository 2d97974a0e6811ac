/**
 * Pull requests as GitHub's API has them: the contract of the rehearsed host, and of the stand-in that the tests of
 * forges ask.
 *
 * `POST /pulls` answers 201, and 422 if the branch has nothing new or has an open pull request for that base already, with
 * the reason in `errors`. `PATCH` answers 200. Lists filter by `head=<owner>:<branch>` and `base`, and their entries lack
 * `merged`. An open pull request has a `merge_commit_sha` too: that of a trial merge. `GET /pulls/{number}` has an `etag`,
 * and answers 304 to `if-none-match` of the same one.
 */

/** A pull request as a host keeps it. */
export interface HostedPull {
  number: number;
  state: "open" | "closed";
  merged: boolean;
  mergeCommit: string | null;
  title: string;
  body: string;
  head: string;
  base: string;
  /** The commit of the head. It follows its branch while the pull request is open. */
  sha: string;
}

export interface HostCall {
  method: string;
  /** Below the repository, without the query. */
  path: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
  /** `if-none-match` is all that is read. */
  headers: Record<string, string | string[] | undefined>;
}

export interface HostAnswer {
  status: number;
  json?: unknown;
  headers?: Record<string, string>;
}

/** The text of a pull request and what it asks to merge. */
export type NewPull = Pick<HostedPull, "title" | "body" | "head" | "base">;

/** The repository that is asked about. */
export interface HostedRepo {
  owner: string;
  pulls: readonly HostedPull[];
  tip(branch: string): string | undefined;
  add(pull: NewPull): HostedPull;
  /** A pull request as the API shows it. */
  show(pull: HostedPull, isListed?: boolean): object;
  etag(json: object): string;
}

const PER_PAGE = 30;
/** What an open pull request has as its commit: nothing that is in its base. */
const TRIAL_MERGE = "7".repeat(40);

/** Answers a call. Changes the pull requests of the repository where the call asks for that. */
export function answerAsGithub(repo: HostedRepo, { method, path, query, body, headers }: HostCall): HostAnswer {
  const { title = "", body: text = "", state } = body as Partial<Record<string, string>>;
  if (method === "GET" && path === "/pulls") return { status: 200, json: listed(repo, query).map((one) => repo.show(one, true)) };
  if (method === "POST") {
    const { head = "", base = "" } = body as Partial<Record<string, string>>;
    const why = refusal(repo, head, base);
    if (why !== undefined)
      return { status: 422, json: { message: "Validation Failed", errors: [{ resource: "PullRequest", message: why }] } };
    return { status: 201, json: repo.show(repo.add({ title, body: text, head, base })) };
  }
  const pull = repo.pulls.find(({ number }) => path === `/pulls/${number}`);
  if (!pull) return { status: 404, json: { message: "Not Found" } };
  if (method === "PATCH") {
    if (body["title"] !== undefined) Object.assign(pull, { title, body: text });
    if (state === "closed" || state === "open") pull.state = pull.merged ? "closed" : state;
    return { status: 200, json: repo.show(pull) };
  }
  const json = repo.show(pull);
  const etag = repo.etag(json);
  return headers["if-none-match"] === etag ? { status: 304, headers: { etag } } : { status: 200, json, headers: { etag } };
}

/** A pull request in the API's own form. */
export function showAsGithub(
  { number, state, merged, mergeCommit, title, body, head, base, sha }: HostedPull,
  { address, fullName, tip, isListed }: { address: string; fullName: string; tip: HostedRepo["tip"]; isListed: boolean },
): object {
  const branch = (ref: string, commit: string) => ({ label: ref, ref, sha: commit, repo: { full_name: fullName } });
  return {
    number,
    state,
    title,
    body,
    html_url: `${address}/pull/${number}`,
    merged_at: merged ? "2026-01-02T03:04:05Z" : null,
    merge_commit_sha: merged ? mergeCommit : TRIAL_MERGE,
    ...(isListed ? {} : { merged, mergeable: merged ? null : true }),
    head: branch(head, sha),
    base: branch(base, tip(base) ?? ""),
  };
}

function listed({ owner, pulls }: HostedRepo, query: URLSearchParams): HostedPull[] {
  const [state, head, base] = [query.get("state") ?? "open", query.get("head"), query.get("base")];
  const all = pulls
    .filter((one) => state === "all" || one.state === state)
    .filter((one) => (head === null || head === `${owner}:${one.head}`) && (base === null || base === one.base))
    .reverse();
  const size = Number(query.get("per_page") ?? PER_PAGE);
  const page = Number(query.get("page") ?? 1);
  return all.slice((page - 1) * size, page * size);
}

function refusal({ owner, pulls, tip }: HostedRepo, head: string, base: string): string | undefined {
  const [from, to] = [tip(head), tip(base)];
  if (from === undefined) return `head ${head} is invalid`;
  if (to === undefined) return `base ${base} is invalid`;
  if (pulls.some((one) => one.state === "open" && one.head === head && one.base === base))
    return `A pull request already exists for ${owner}:${head}.`;
  return from === to ? `No commits between ${base} and ${head}` : undefined;
}
