import { hivectl } from "../../lib/hivectl.ts";
import { requestCan } from "../../wire/request-states.ts";
import { existsSync, statSync } from "node:fs";
import type { Command } from "commander";
import type { Output } from "../../wire/operations.ts";
import { isUnshown } from "../../wire/unshown.ts";
import { agentName, wholeNumber, waits as awaits } from "../arguments.ts";
import { confirm, decides, mayAsk, tellByPage, type Deciding } from "../deciding.ts";
import { EXIT, Failure, UsageError } from "../exit.ts";
import { clean } from "../print.ts";
import { takesRepos, type RepoEntry } from "../repo-option.ts";
import { act, nothingAbout, type LoadContract, type Shell } from "../shell.ts";

/** The shortest prefix that identifies a commit to a reader. */
const MIN_SHA_CHARS = 7;
/** Rows assumed for a terminal that does not report its size. */
const MIN_ROWS = 24;

/** `pending` and `show` run many times a day. They load only the part of the contract that they use, to start faster. */
const approvalContract: LoadContract = async () => (await import("../../wire/approval-operations.ts")).approvalOperations;

/** Verbs for requests: list them, show them, decide on them. */
export function requestCommands(program: Command): void {
  act(
    program.command("pending").description("requests that wait for you, and what is on its way"),
    async (shell) => {
      const waiting = await shell.client.call("pending", {});
      if (shell.isJson) return shell.show(waiting, () => "");
      if (waiting.approvals.length === 0) return shell.say("nothing waits for approval");
      // --json keeps the fixed row of other clients, without risks and figures.
      const [{ requestTable }, { approvals }] = await Promise.all([
        import("../request-text.ts"),
        shell.client.call("approvals", { open: true }),
      ]);
      shell.say(approvals.length === 0 ? "nothing waits for approval" : requestTable(approvals, shell));
    },
    approvalContract,
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
      shell.show(output, ({ approvals }) => (approvals.length === 0 ? nothing : requestTable(approvals, shell)));
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
      if (file !== undefined) return showFile(shell, id, base, file);
      const answer = shell.client.call("show", { id, base });
      const [{ requestText }, output] = await Promise.all([import("../request-text.ts"), answer]);
      shell.show(output, () => requestText(output, shell));
    },
    approvalContract,
  );

  act<Deciding & { sha?: string; unshown?: string[] }>(
    decides(
      program
        .command("approve")
        .argument("<id>", "the request", wholeNumber)
        .description("approve a request: shows its whole diff and asks, unless the answer is given")
        .option("-s, --sha <commit>", "approve exactly this commit, without asking")
        .option(
          "-u, --unshown <path>",
          "a file that `show` does not show whole, once for each; without it --yes is refused",
          repeated,
        ),
    ),
    async (shell, [id]: [number], { unshown, ...options }) => {
      const shown = await shell.client.call("show", { id });
      const { approval, files } = shown;
      const asks = requestCan(approval, "approve") && options.sha === undefined && options.yes !== true && mayAsk(shell);
      if (!asks && !shell.isJson) await tellSummary(shell, approval, shown.base_sha);
      if (requestCan(approval, "approve")) checkUnshown(id, files, unshown ?? []);
      // For a request that no longer waits, the daemon says why it cannot be approved.
      if (requestCan(approval, "approve") && options.sha !== undefined) checkSha(approval, options.sha);
      else if (requestCan(approval, "approve")) {
        // A yes covers what was shown, so the question comes after the last line of the diff.
        if (asks) await tellAll(shell, shown);
        const what = approval.sha === undefined ? "" : ` (${approval.sha.slice(0, 12)})`;
        await confirm(shell, options, `approve #${id}${what}`, "--sha <commit> or --yes");
      }
      const { sha, digest } = approval;
      const output = await shell.client.call("approve", { id, sha, digest, unshown, note: options.note });
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
          `#${id} denied${approval.requested_by === "operator" ? "" : `; ${clean(approval.requested_by)} is notified`}`,
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

type Approval = Output<"show">["approval"];

/** Collects the values of a repeatable option. */
const repeated = (value: string, before: string[] = []): string[] => [...before, value];

/** Prints all changes of one file, which may exceed what `show` returns. */
async function showFile(shell: Shell, id: number, base: string, path: string): Promise<void> {
  let text = "";
  for (let after: number | undefined = 0; after !== undefined;) {
    const part: Output<"show_file"> = await shell.client.call("show_file", { id, base, path, after });
    text += part.text;
    after = part.next;
  }
  const { patchLines } = await import("../diff-lines.ts");
  shell.show({ text }, () => (text === "" ? "only its mode changes, or it is empty" : patchLines(text, shell.paint).join("\n")));
}

/** Makes the daemon's check before the operator is asked anything. */
function checkUnshown(id: number, files: Output<"show">["files"], named: readonly string[]): void {
  const missing = files.filter((file) => isUnshown(file) && !named.includes(file.path));
  if (missing.length === 0) return;
  const list = missing.map((file) => `\n  ${file.path} (${file.binary ? "not text" : "too long"})`).join("");
  throw new Failure(
    EXIT.refused,
    "conflict",
    `#${id} changes files that are not shown whole:${list}\nLook at each with ${hivectl(`show ${id} --file <path>`)} and name it with \`--unshown <path>\``,
  );
}

async function tellSummary(shell: Shell, approval: Approval, base: string | undefined): Promise<void> {
  const { requestSummary } = await import("../request-text.ts");
  const { files, added, removed } = approval.stat;
  const change =
    files === 0
      ? ""
      : `\n${files === 1 ? "1 file" : `${files} files`}, +${added} -${removed}; ${hivectl(`show ${approval.id}`)} has the diff`;
  shell.say(`${requestSummary(approval, base, shell)}${change}\n`);
}

/** Prints the request with its whole diff. */
async function tellAll(shell: Shell, shown: Output<"show">): Promise<void> {
  const { requestText } = await import("../request-text.ts");
  const text = `${requestText(shown, shell)}\n`;
  const { isTTY, rows } = process.stdout;
  if (isTTY) await tellByPage(text, { rows: rows || MIN_ROWS, columns: shell.width });
  else shell.say(text);
}

function checkSha(approval: Approval, sha: string): void {
  if (!/^[0-9a-f]{7,40}$/.test(sha)) throw new UsageError(`--sha takes a commit's name, ${MIN_SHA_CHARS} to 40 hex digits`);
  if (approval.sha?.startsWith(sha) !== true)
    throw new Error(
      `#${approval.id} is of commit ${approval.sha ?? "(none yet)"}, not of ${sha}: look again with ${hivectl(`show ${approval.id}`)}`,
    );
}
