import { isRehearsed, REHEARSED_WORDS } from "../wire/address-kinds.ts";
import { shortSha } from "../wire/sha.ts";
import { hivectl } from "../lib/hivectl.ts";
import type { Output } from "../wire/operations.ts";
import type { QueueView, RepoView, WorkspaceView } from "../wire/work.ts";
import { age, clean, indented, visible, type Colour, type View } from "./print.ts";
import { table } from "./table.ts";
import { reflow } from "./wrap.ts";
import { sizeText } from "../wire/size-text.ts";

/** Bytes for a person. */
/** Indentation of a field's text. */
const FIELD = 11;

const QUEUE_COLOURS: Record<QueueView["state"], Colour | undefined> = {
  idle: undefined,
  busy: "mauve",
  paused: "amber",
  stopped: "red",
};

/** What a queue does, as words. Empty for one that has nothing to do. */
function queueWords({ state, change, waiting }: QueueView): string {
  const work = change === undefined ? "" : `merges change ${change}`;
  const line = waiting.length === 0 ? "" : `${waiting.length} waiting`;
  return [state === "idle" || state === "busy" ? "" : state, work, line].filter((words) => words !== "").join(", ");
}

/** The tip of a repository's base; empty as long as the base has no commit. */
/** A repository with branches has objects: none are counted before they are measured. */
const isMeasured = ({ bytes, bases }: RepoView): boolean => bytes > 0 || bases.length === 0;

const tipOf = ({ base, bases }: RepoView): string => shortSha(bases.find(({ name }) => name === base)?.sha ?? "");

/** The repositories as table rows. */
export function repoTable(repos: readonly RepoView[], { paint, width }: View): string {
  const worst = ({ queues }: RepoView): QueueView["state"] | undefined =>
    (["stopped", "paused", "busy"] as const).find((state) => queues.some((queue) => queue.state === state));
  return table(
    repos,
    [
      { title: "NAME", value: (one) => one.name, colour: () => "bold" },
      { title: "BASE", value: (one) => one.base },
      { title: "TIP", value: (one) => tipOf(one) || "empty", spare: 2 },
      { title: "MERGE", value: (one) => `${one.merge}, ${one.policy}`, spare: 3 },
      { title: "AGENTS", value: (one) => one.agents.map(({ name }) => name).join(" "), spare: 4 },
      {
        title: "QUEUE",
        value: (one) =>
          one.queues
            .map((queue) => [queue.base === one.base ? "" : `${queue.base}:`, queueWords(queue)].filter(Boolean).join(" "))
            .filter((words) => words !== "")
            .join("; "),
        colour: (one) => QUEUE_COLOURS[worst(one) ?? "idle"],
      },
      { title: "SIZE", value: (one) => (isMeasured(one) ? sizeText(one.bytes) : "not measured"), spare: 1 },
      { title: "FOLLOWS", value: (one) => one.upstream ?? "", isWide: true },
    ],
    width,
    paint,
  );
}

/** Workspaces as table rows. */
export function workspaceTable(workspaces: readonly WorkspaceView[], { paint, width }: View): string {
  return table(
    workspaces,
    [
      { title: "AGENT", value: (one) => one.agent, colour: () => "bold" },
      { title: "REPOSITORY", value: (one) => one.repo },
      { title: "SIZE", value: (one) => (one.bytes === undefined ? "not measured" : sizeText(one.bytes)) },
      { title: "CONFIG", value: (one) => (one.in_config ? "in use" : "not in its config any more") },
    ],
    width,
    paint,
  );
}

/** A repository with its settings, bases and branches. */
export function repoText({ repo, branches }: Output<"repo">, view: View): string {
  const { paint, width, now } = view;
  const field = (name: string, words: string): string[] =>
    words === "" ? [] : [reflow(`${paint("dim", name.padEnd(FIELD))}${visible(words)}`, width, FIELD)];
  const held = repo.queues.filter(({ reason }) => reason !== undefined);
  const lines = [
    `${paint("bold", repo.name)}  ${repo.upstream === undefined ? "follows nothing" : `follows ${visible(repo.upstream)}`}`,
    ...field("declared", repo.declared === undefined ? "" : `${repo.declared}, in the host's configuration`),
    ...remoteFields(repo, now).flatMap(([name, words]) => field(name, words)),
    ...field("base", `${repo.base}  ${tipOf(repo) || "empty"}`),
    ...field("merge", `${repo.merge}, policy ${repo.policy}`),
    ...field("reviewers", repo.reviewers.map((name) => reviewerWords(name, repo)).join(", ")),
    ...field("check", repo.check),
    ...field("check on", repo.check_on === "merge" ? "" : `${repo.check_on}, and again at the merge`),
    ...field("setup", repo.setup),
    ...field("egress", repo.egress.join(", ")),
    ...field("author", repo.author),
    ...field("protected", repo.protected.join(", ")),
    ...field(
      "push",
      repo.push === "never"
        ? ""
        : repo.remote === undefined
          ? `${repo.push}, as hive/<base>`
          : "before each merge, which is made only if the host takes it",
    ),
    ...field(
      "forge",
      repo.forge === "none"
        ? ""
        : `${repo.forge}: approved changes become pull requests, ${repo.forge_text === "inert" ? "in which agents cannot mention people or close issues" : "with the agents' text as written"}`,
    ),
    ...field("agents", repo.agents.map(({ name, access }) => `${name} (${access})`).join(", ")),
    ...field(
      "size",
      repo.collecting === undefined ? sizeText(repo.bytes) : `${sizeText(repo.bytes)}, removing: ${repo.collecting}`,
    ),
    ...field("since", `${age(repo.created_at, now)} ago`),
    ...held.map((queue) =>
      paint(
        QUEUE_COLOURS[queue.state] ?? "dim",
        reflow(`queue of ${queue.base} ${queue.state}: ${clean(queue.reason ?? "")}`, width),
      ),
    ),
  ];
  for (const { base, reason } of repo.pushes.filter(({ state }) => state === "failed"))
    lines.push(
      paint(
        "red",
        reflow(`${repo.remote === undefined ? "hive/" : "upstream's "}${base} is not up to date: ${clean(reason ?? "")}`, width),
      ),
      `${hivectl(`repo push ${repo.name} --base ${base}`)} tries again`,
    );
  if (repo.bases.length > 0) {
    const queueOf = (base: string): QueueView | undefined => repo.queues.find((queue) => queue.base === base);
    const bases = table(
      repo.bases,
      [
        { title: "BASE", value: (one) => one.name, isWide: true },
        { title: "TIP", value: (one) => shortSha(one.sha) },
        {
          title: "QUEUE",
          value: (one) => {
            const queue = queueOf(one.name);
            return queue ? queueWords(queue) : "";
          },
          colour: (one) => QUEUE_COLOURS[queueOf(one.name)?.state ?? "idle"],
        },
      ],
      width - 2,
      paint,
    );
    lines.push("", indented(bases));
  }
  if (branches.length > 0) {
    const list = table(
      branches,
      [
        { title: "AGENT", value: (one) => one.agent, colour: () => "bold" },
        { title: "BRANCH", value: (one) => one.branch, isWide: true },
        { title: "TIP", value: (one) => shortSha(one.sha) },
        { title: "PUSHED", value: (one) => (one.pushed_at === undefined ? "" : `${age(one.pushed_at, now)} ago`) },
      ],
      width - 2,
      paint,
    );
    lines.push("", indented(list));
  }
  return lines.join("\n");
}

/** What a fetch has done, a line for each base. */
export function fetchText({ repo, moved, diverged, gone }: Output<"repo_fetch">, { paint, width }: View): string {
  const lines = moved.map(({ base, from, to }) =>
    from === undefined ? `${base} is new at ${shortSha(to)}` : `${base} moved from ${shortSha(from)} to ${shortSha(to)}`,
  );
  const apart = diverged.map((base) =>
    paint(
      "amber",
      reflow(
        `${base} has diverged: the hive and ${visible(repo.upstream ?? "its upstream")} each have commits that the other lacks. Its merge queue is stopped; ${hivectl(`repo reconcile ${repo.name} --base ${base}`)} shows them and what can be done`,
        width,
      ),
    ),
  );
  const lost = gone.map((base) => paint("amber", `${base} is gone from what it follows: its changes are stale`));
  return [...lines, ...apart, ...lost].join("\n") || `${repo.name} is up to date`;
}

/** What is known of another host. */
function remoteFields({ name, upstream = "", remote }: RepoView, now: number): [string, string][] {
  if (remote === undefined) return [];
  if (isRehearsed(upstream)) return [["host", REHEARSED_WORDS]];
  const { credential, fetched_at: at, failed, private_address: pinned, own_authority: own } = remote;
  const { public_key: publicKey, host_key: hostKey, forge_token: forge } = remote;
  return [
    ["login", credential === "none" ? `none; ${hivectl(`repo login ${name}`)} gives it one` : credential],
    ["key", publicKey ?? ""],
    ["host key", hostKey === undefined ? "" : `${hostKey.fingerprint} (${hostKey.type})`],
    [
      "host",
      [pinned === undefined ? "" : `private address ${pinned}`, own === true ? "own authority" : ""].filter(Boolean).join(", "),
    ],
    ["forge login", forge === true ? "a token of its own" : ""],
    ["fetched", at === undefined ? "never" : `${age(at, now)} ago`],
    ["failed", failed === undefined ? "" : `the last fetch: ${failed}`],
  ];
}

/** A reviewer, and whether it can review: it has to see the repository. */
function reviewerWords(name: string, { agents }: Pick<RepoView, "agents">): string {
  return agents.some((agent) => agent.name === name) ? name : `${name} (no agent of this repository)`;
}
