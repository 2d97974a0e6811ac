import type { IncomingMessage, ServerResponse } from "node:http";
import { createHash } from "node:crypto";
import facts from "../fixtures/forge-apis.json" with { type: "json" };
import type { HostAnswer, HostCall, HostedPull, NewPull } from "../../src/work/rehearsed/github.ts";
import type { GitServer } from "./git-server.ts";

export type StandInPull = HostedPull;
export type StandInCall = HostCall;
export type StandInAnswer = HostAnswer;

interface Api {
  source: string;
  calls: Record<
    string,
    { query?: string[]; body?: string[]; required?: string[]; enums?: Record<string, string[]>; answers: number[] }
  >;
  pull: Record<string, unknown>;
  notInLists: string[];
}

/**
 * What the stand-ins of both forges have in common: pull requests of the repository of a git server, on its own address,
 * merged with real git. A call that the published description of the API does not know, and an answer that it does not
 * allow, end with status 599, which no test expects.
 */
export abstract class ForgeStandIn {
  readonly pulls: StandInPull[] = [];
  readonly calls: StandInCall[] = [];
  /** Answers instead of the forge. Undefined: the forge answers. */
  instead: (call: StandInCall) => StandInAnswer | undefined = () => undefined;
  /** Waited for before a call is answered. */
  holds: (() => Promise<void>) | undefined;
  /** Called after a call was done and before it is answered. True: the connection breaks. */
  breaks: (call: StandInCall) => boolean = () => false;
  protected abstract readonly prefix: string;
  protected abstract readonly api: Api;
  protected readonly fullName = "team/web";
  readonly #server: GitServer;
  readonly #token: string;

  constructor(server: GitServer, token: string) {
    this.#server = server;
    this.#token = token;
    server.instead = (incoming, outgoing) => this.answer(incoming, outgoing);
  }

  protected abstract authorization(token: string): string;
  protected abstract show(pull: StandInPull, isListed: boolean): object;
  protected abstract handle(call: StandInCall): StandInAnswer;

  /** Answers a call to the API. False: it is one to git. */
  answer(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const url = new URL(incoming.url ?? "/", "https://forge.test");
    if (!url.pathname.startsWith("/api/")) return false;
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.once("end", () => {
      const text = Buffer.concat(chunks).toString();
      const body = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
      const path = decodeURIComponent(url.pathname.slice(this.prefix.length));
      const call = { method: incoming.method ?? "", path, query: url.searchParams, body, headers: incoming.headers };
      this.calls.push(call);
      const give = (): void => {
        const answer = url.pathname.startsWith(`${this.prefix}/`) ? this.#answerTo(call) : { status: 404, json: {} };
        if (this.breaks(call)) return void outgoing.destroy();
        outgoing.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
        outgoing.end(typeof answer.json === "string" ? answer.json : JSON.stringify(answer.json ?? {}));
      };
      if (this.holds === undefined) give();
      else void this.holds().then(give);
    });
    return true;
  }

  #answerTo(call: StandInCall): StandInAnswer {
    const instead = this.instead(call);
    if (instead) return instead;
    if (call.headers.authorization !== this.authorization(this.#token))
      return { status: 401, json: { message: "Bad credentials" } };
    this.#follow();
    const wrong = this.#complaint(call);
    const answer = wrong === undefined ? this.handle(call) : { status: 599, json: { message: wrong } };
    const known = this.api.calls[this.#nameOf(call)];
    if (wrong === undefined && !(known?.answers ?? []).includes(answer.status))
      return { status: 599, json: { message: `${this.#nameOf(call)} never answers with ${answer.status}` } };
    return answer;
  }

  #nameOf = ({ method, path }: StandInCall): string => `${method} ${path.replace(/^\/pulls\/\d+$/, "/pulls/{number}")}`;

  /** What the published description says against a call. */
  #complaint(call: StandInCall): string | undefined {
    const known = this.api.calls[this.#nameOf(call)];
    if (known === undefined) return `there is no ${this.#nameOf(call)}`;
    const given = { ...Object.fromEntries(call.query), ...call.body };
    const allowed = [...(known.query ?? []), ...(known.body ?? [])];
    const unknown = Object.keys(given).find((name) => !allowed.includes(name));
    if (unknown !== undefined) return `${this.#nameOf(call)} does not know ${unknown}`;
    const missing = (known.required ?? []).find((name) => given[name] === undefined);
    if (missing !== undefined) return `${this.#nameOf(call)} needs ${missing}`;
    const isOff = ([field, values]: [string, string[]]): boolean => {
      const value = given[field];
      return value !== undefined && !values.some((one) => one === value);
    };
    const [name] = Object.entries(known.enums ?? {}).find(isOff) ?? [];
    return name === undefined ? undefined : `${name} has a value that the API does not know`;
  }

  /** A pull request as the API shows it. Throws if that does not fit the published description. */
  protected shown(pull: StandInPull, isListed = false): object {
    const json = this.show(pull, isListed);
    checkFields(json, this.api.pull, "pull");
    for (const name of this.api.notInLists) if (isListed && name in json) throw new Error(`lists have no ${name}`);
    return json;
  }

  protected branch = (ref: string, sha: string) => ({ label: ref, ref, sha, repo: { full_name: this.fullName } });

  protected tip(branch: string): string | undefined {
    return this.#server.tip(branch);
  }

  protected get address(): string {
    return this.#server.address.replace(/\.git$/, "");
  }

  /** The mark of an answer. */
  protected etag = (json: object): string => `"${createHash("sha1").update(JSON.stringify(json)).digest("hex")}"`;

  #follow(): void {
    for (const pull of this.pulls.filter(({ state }) => state === "open")) pull.sha = this.tip(pull.head) ?? pull.sha;
  }

  /** Opens a pull request as someone does on the page. */
  add({ title, body, head, base }: NewPull): StandInPull {
    const sha = this.tip(head) ?? "";
    const pull: StandInPull = {
      number: this.pulls.length + 7,
      state: "open",
      merged: false,
      mergeCommit: null,
      title,
      body,
      head,
      base,
      sha,
    };
    this.pulls.push(pull);
    return pull;
  }

  get(number: number): StandInPull {
    const pull = this.pulls.find((one) => one.number === number);
    if (!pull) throw new Error(`there is no pull request ${number}`);
    return pull;
  }

  /** The newest pull request. */
  get last(): StandInPull {
    const pull = this.pulls.at(-1);
    if (!pull) throw new Error("there is no pull request");
    return pull;
  }

  /** Merges a pull request as a person does on its page. Returns the commit. */
  merge(number: number, how: "merge" | "squash" | "rebase" | "forward" = "merge"): string {
    this.#follow();
    const pull = this.get(number);
    const tip = this.tip(pull.base) ?? "";
    const commit = how === "forward" ? pull.sha : how === "rebase" ? this.#rebased(pull, tip) : this.#merged(pull, tip, how);
    this.#server.move(pull.base, commit);
    Object.assign(pull, { state: "closed", merged: true, mergeCommit: commit });
    return commit;
  }

  #merged({ number, title, body, sha }: StandInPull, tip: string, how: "merge" | "squash"): string {
    const parents = how === "merge" ? ["-p", tip, "-p", sha] : ["-p", tip];
    return this.#server.sh(MERGE, tip, sha, ...parents, "-m", `${title} (#${number})\n\n${body}`);
  }

  #rebased({ sha }: StandInPull, tip: string): string {
    const commits = this.#server.git("rev-list", "--reverse", "--no-merges", `${tip}..${sha}`).split("\n");
    // Both sides have what came before it.
    return commits.reduce((onto, one) => this.#server.sh(MERGE, onto, one, "-p", onto, "-m", `copy of ${one}`), tip);
  }

  close(number: number): void {
    this.get(number).state = "closed";
  }

  /** Calls of one kind. */
  count(method: string, path = /^\/pulls/): number {
    return this.calls.filter((call) => call.method === method && path.test(call.path)).length;
  }
}

/** Merges two commits, and commits the result with the other arguments. */
const MERGE = 'tree=$(git merge-tree --write-tree "$1" "$2"); shift 2; git commit-tree "$tree" "$@"';

export const factsOf = (forge: "github" | "forgejo"): Api => facts[forge];

/** Throws if an answer has a field that the description does not have, or of another type. */
function checkFields(json: unknown, known: unknown, at: string): void {
  if (typeof known === "string") {
    const type = known.replace("?", "");
    if (!(json === null && known.endsWith("?")) && typeof json !== type) throw new Error(`${at} is ${typeof json}, not ${known}`);
    return;
  }
  for (const [name, value] of Object.entries(json as object)) {
    const field = (known as Record<string, unknown>)[name];
    if (field === undefined) throw new Error(`${at} has no ${name}`);
    checkFields(value, field, `${at}.${name}`);
  }
}
