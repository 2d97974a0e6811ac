import { hivectl } from "../../lib/hivectl.ts";
import { requestCan } from "../../wire/request-states.ts";
import { MAX_PAGE_ROWS } from "../../wire/limits.ts";
import { existsSync, statSync } from "node:fs";
import type { Command } from "commander";
import { agentName, wholeNumber, waits as awaits } from "../arguments.ts";
import { approves, consent, type Approving } from "../approving.ts";
import { decides, type Deciding } from "../deciding.ts";
import { EXIT, Failure, UsageError } from "../exit.ts";
import { isOperator } from "../../wire/roles.ts";
import { waitingChanges } from "../agent-text.ts";
import { olderWords, openChanges, openRequests } from "../older.ts";
import { clean } from "../print.ts";
import { takesRepos, type RepoEntry } from "../repo-option.ts";
import { act, nothingAbout, type LoadContract, type Shell } from "../shell.ts";

/** `pending` and `show` run many times a day. They load only the part of the contract that they use, to start faster. */
const approvalContract: LoadContract = async () => (await import("../../wire/approval-operations.ts")).approvalOperations;

const pendingContract: LoadContract = async () => {
  const [{ approvalOperations }, { workOperations }, { budgetOperations }, { messageListing }] = await Promise.all([
    import("../../wire/approval-operations.ts"),
    import("../../wire/work-operations.ts"),
    import("../../wire/budget.ts"),
    import("../../wire/message-listing.ts"),
  ]);
  return { ...approvalOperations, ...messageListing, changes: workOperations.changes, budget: budgetOperations.budget };
};

/** Verbs for requests: list them, show them, decide on them. */
export function requestCommands(program: Command): void {
  act(
    program.command("pending").description("requests that wait for you, and what is on its way"),
    async (shell) => {
      const waiting = await shell.client.call("pending", {});
      if (shell.isJson) return shell.show(waiting, () => "");
      const [{ over }, changes, stuck] = await Promise.all([
        shell.client.call("budget", {}),
        openChanges(shell.client),
        shell.client.call("messages", { stuck: true, limit: MAX_PAGE_ROWS }),
      ]);
      const reached = over.filter(({ stopped_by: by }) => by === undefined);
      const lines = reached.length === 0 ? [] : (await import("../budget-text.ts")).overLines(reached, shell);
      const moved = stuck.messages.length === 0 ? [] : (await import("../stuck-text.ts")).stuckLines(stuck.messages, shell);
      if (stuck.more === true) moved.push("older stuck messages follow when these have been moved");
      const more = [...lines, ...moved, waitingChanges(changes)].filter((line) => line !== "");
      for (const line of more) shell.say(line);
      if (waiting.approvals.length === 0) return more.length === 0 ? shell.say("nothing waits for approval") : undefined;
      // --json keeps the fixed row of other clients, without risks and figures.
      const [{ requestTable }, approvals] = await Promise.all([import("../request-text.ts"), openRequests(shell.client)]);
      if (approvals.length > 0) shell.say(requestTable(approvals, shell));
      else if (more.length === 0) shell.say("nothing waits for approval");
    },
    pendingContract,
  );

  act<{ limit: number; before?: number; open?: boolean }>(
    program
      .command("requests")
      .argument("[agent]", "only those about this agent", agentName)
      .description("every request and how it ended, newest first")
      .option("-o, --open", "only what is not settled")
      .option("-n, --limit <count>", "how many", wholeNumber, 30)
      .option("-b, --before <id>", "older than this one", wholeNumber),
    async (shell, [agent]: [string?], { limit, before, open }) => {
      const { requestTable } = await import("../request-text.ts");
      const output = await shell.client.call("approvals", { limit, open, before, agent });
      const nothing = output.approvals.length > 0 ? "" : await nothingAbout(shell, "no request", agent);
      shell.show(output, ({ approvals, more }) =>
        approvals.length === 0 ? nothing : `${requestTable(approvals, shell)}${olderWords(shell, more, approvals.at(-1)?.id)}`,
      );
    },
  );

  act<{ base: string; file?: string }>(
    program
      .command("show")
      .argument("<id>", "the request", wholeNumber)
      .description("a request with its diff and what you should not miss")
      .option("--base <base>", "diff against: decision, running, requested, parent, or a commit's full name", "decision")
      .option("-f, --file <path>", "one file to its end, also where it is long or not text"),
    async (shell, [id]: [number], { base, file }) => {
      if (file !== undefined) {
        const { showPatch } = await import("../patch.ts");
        return showPatch(shell, (after) => shell.client.call("show_file", { id, base, path: file, after }));
      }
      const answer = shell.client.call("show", { id, base });
      const [{ requestText }, output] = await Promise.all([import("../request-text.ts"), answer]);
      shell.show(output, () => requestText(output, shell));
    },
    approvalContract,
  );

  act<Approving>(
    approves(
      decides(
        program
          .command("approve")
          .argument("<id>", "the request", wholeNumber)
          .description("approve a request: shows its whole diff and asks, unless the answer is given"),
      ),
    ),
    async (shell, [id]: [number], options) => {
      const shown = await shell.client.call("show", { id });
      const { approval } = shown;
      const { requestSummary, requestText } = await import("../request-text.ts");
      await consent(
        shell,
        {
          label: `#${id}`,
          show: `show ${id}`,
          waits: requestCan(approval, "approve"),
          sha: approval.sha,
          stat: approval.stat,
          files: shown.files,
          summary: () => requestSummary(approval, shown.base_sha, shell),
          text: () => requestText(shown, shell),
        },
        options,
      );
      const { sha, digest } = approval;
      const output = await shell.client.call("approve", { id, sha, digest, unshown: options.unshown, note: options.note });
      shell.say(`#${id} approved`);
      if (options.wait !== true) return shell.show(output, () => "");
      const { followRequest, notDeployed } = await import("../follow.ts");
      const ended = await followRequest(shell, id);
      if (ended.state !== "deployed") throw notDeployed(ended);
      shell.show({ approval: ended }, () => "");
    },
  );

  act<Deciding>(
    decides(
      program
        .command("deny")
        .argument("<id>", "the request", wholeNumber)
        .description("deny a request; the requester is notified"),
    ),
    async (shell, [id]: [number], { note }) =>
      shell.show(
        await shell.client.call("deny", { id, note }),
        ({ approval }) =>
          `#${id} denied${isOperator(approval.requested_by) ? "" : `; ${clean(approval.requested_by)} is notified`}`,
      ),
  );

  act<Deciding>(
    decides(
      program
        .command("cancel-request")
        .argument("<id>", "the request", wholeNumber)
        .description("cancel a request that is not approved yet, or the build of one that is"),
    ),
    async (shell, [id]: [number], { note }) =>
      shell.show(await shell.client.call("cancel_request", { request: id, note }), ({ approval }) =>
        approval.state === "cancelled" ? `#${id} cancelled` : `#${id} ${approval.state}: ${clean(approval.error ?? "")}`,
      ),
  );

  act<{ lines: number; follow?: true }>(
    awaits(
      program
        .command("build-log")
        .argument("<id>", "the request", wholeNumber)
        .description("what the build of a request has printed")
        .option("-n, --lines <count>", "how many lines", wholeNumber, 200)
        .option("-f, --follow", "print new lines until the build has ended"),
    ),
    async (shell, [id]: [number], { lines, follow }) => {
      const { buildLog } = await import("../build-log.ts");
      await buildLog(shell, id, { lines, isFollowing: follow === true });
    },
  );

  act<Deciding & { description?: string; repo?: RepoEntry[] }>(
    decides(
      takesRepos(
        program
          .command("request-spawn")
          .argument("<new-name>", "the agent's name")
          .description("queue the spawn of an agent, to be approved like a request of the manager")
          .option("-d, --description <text>", "what it is for"),
      ),
    ),
    async (shell, [name]: [string], { description, wait, note, repo }) => {
      const output = await shell.client.call("request_spawn", { name, description, note, repos: repo });
      const { showRequest } = await import("../follow.ts");
      await showRequest(shell, output, waits(output.request), wait);
    },
  );

  act<Deciding & { description?: string; from?: number }>(
    decides(
      program
        .command("propose")
        .argument("<agent>", "whose config", agentName)
        .argument("[folder|commit]", "a config tree, or a commit of the agent's proposed repo by its full name")
        .description("propose a change of an agent's config; it waits for approval like a request of the manager")
        .option("--from <id>", "the config of an earlier request of the agent, on top of what runs", wholeNumber)
        .option("-d, --description <text>", "what it changes and why"),
    ),
    async (shell, [agent, what]: [string, string?], { description, wait, note, from }) => {
      const config = await proposed(shell, agent, what, from);
      const output = await shell.client.call("propose", { agent, description, note, ...config });
      const { request, refused } = output;
      if (refused !== undefined) throw new Failure(EXIT.refused, "failed", `#${request} is refused: ${clean(refused)}`, output);
      const { showRequest } = await import("../follow.ts");
      await showRequest(shell, output, waits(request), wait);
    },
  );
}

const waits = (request: number): string =>
  `#${request} waits for approval: ${hivectl(`show ${request}`)}, ${hivectl(`approve ${request}`)}`;

type Proposed = { commit: string } | { files: Awaited<ReturnType<typeof tree>> };

async function proposed(shell: Shell, agent: string, what: string | undefined, from: number | undefined): Promise<Proposed> {
  if ((what === undefined) === (from === undefined))
    throw new UsageError("propose takes a folder, a commit, or --from <id> for the config of an earlier request");
  if (from !== undefined) return { files: await filesOf(shell, agent, from) };
  return fromWord(what ?? "");
}

/** The config of an earlier request, as it can be proposed again. */
async function filesOf(shell: Shell, agent: string, request: number): Promise<Awaited<ReturnType<typeof tree>>> {
  const { files } = await shell.client.call("config", { name: agent, request });
  return files.map(({ path, mode, text, base64 }) => ({
    path,
    ...(mode === undefined ? {} : { mode }),
    base64: base64 ?? Buffer.from(text).toString("base64"),
  }));
}

async function fromWord(what: string): Promise<Proposed> {
  if (existsSync(what) && statSync(what).isDirectory()) return { files: await tree(what) };
  if (/^[0-9a-f]{40}$/.test(what)) return { commit: what };
  throw new UsageError(
    /^[0-9a-f]{4,39}$/.test(what)
      ? `${what} is short: a proposal names its commit by all 40 digits`
      : `${what} is neither a folder nor a commit's full name`,
  );
}
const tree = async (folder: string) => (await import("../tree.ts")).readTree(folder);
