import { hivectl, shellWord } from "../../lib/hivectl.ts";
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { agentName, scoped, wholeNumber } from "../arguments.ts";
import { agentTable, statusText } from "../agent-text.ts";
import { forEachAgent, scopeOf, showResults, type ScopeOptions } from "../per-agent.ts";
import { confirm, decides, type Deciding } from "../deciding.ts";
import { age, terminalText, visible } from "../print.ts";
import { MANAGER } from "../../wire/names.ts";
import type { LineClient } from "../../rpc/line-client.ts";
import type { Output } from "../../wire/operations.ts";
import { EXIT, Failure, UsageError } from "../exit.ts";
import { wholeState } from "../older.ts";
import { takesRepos, type RepoEntry } from "../repo-option.ts";
import { act, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { sizeText } from "../../wire/size-text.ts";

/** Prints the hive at a glance: its agents and what waits. */
export async function showStatus(shell: Shell): Promise<void> {
  const state = await wholeState(shell.client, 0);
  const { statusRow } = await import("../../wire/agent.ts");
  const agents = state.agents.filter((agent) => !agent.destroyed);
  const { hive, questions, approvals, changes } = state;
  shell.show({ hive, agents, questions, approvals, changes, agent_statuses: agents.map(statusRow) }, () =>
    statusText({ ...state, agents }, shell),
  );
}

/** Verbs for agents. */
export function agentCommands(program: Command): void {
  act(program.command("status").description("the hive at a glance"), showStatus);

  act(program.command("top").description("the hive as it lives, in the terminal; ? lists the keys, q quits"), async (shell) => {
    const { top } = await import("../top/top.ts");
    await top(shell);
  });

  act<{ long?: boolean }>(
    program.command("list").description("names of the agents, one per line").option("-l, --long", "with their state"),
    async (shell, _, { long }) => {
      if (long !== true) return shell.show(await shell.client.call("list", {}), ({ agents }) => agents.join("\n"));
      const { state } = await shell.client.call("state", { messages: 0 });
      shell.show({ agents: state.agents.filter((agent) => !agent.destroyed) }, ({ agents }) => agentTable(agents, shell));
    },
  );

  act<Deciding & { description?: string; model?: string; config?: string; instructions?: string; repo?: RepoEntry[] }>(
    decides(
      takesRepos(
        program
          .command("spawn")
          .argument("<new-name>", "the agent's name")
          .description("create an agent and start it; answers once it runs")
          .option("-d, --description <text>", "what it is for")
          .option("-m, --model <model>", "its model")
          .option("-c, --config <file>", "an agent.json to begin with")
          .option("-i, --instructions <file>", "its INSTRUCTIONS.md"),
      ),
    ),
    async (shell, [name]: [string], { description, model, wait, note, repo, ...files }) => {
      const config: Record<string, unknown> = files.config === undefined ? {} : readJson(files.config);
      if (model !== undefined) config["model"] = model;
      if (repo !== undefined) config["repos"] = repo;
      const input = {
        name,
        description,
        note,
        ...(Object.keys(config).length > 0 ? { config } : {}),
        ...(files.instructions === undefined ? {} : { instructions: readText(files.instructions) }),
      };
      const output = await comesToLife(shell, name, wait, () => shell.client.call("spawn", input));
      const { withMarks } = await import("../follow.ts");
      shell.show(output, ({ agent, risks }) => withMarks(`${agent.name} runs · ${agent.url}`, risks, shell));
    },
  );

  act<ScopeOptions & { whatRan?: boolean }>(
    scoped(program, "start", "start agents").option("--what-ran", "the agents that ran before `stop --all`"),
    async (shell, [names = []]: [string[]?], { whatRan, ...options }) => {
      if (whatRan === true && (names.length > 0 || options.all === true))
        throw new UsageError("--what-ran says which agents: leave out names and --all");
      shell.waitsFor(`the agents are still starting; ${hivectl("status")} shows their state`);
      const { results } =
        whatRan === true
          ? await shell.client.call("start_what_ran", {})
          : await shell.client.call("start", { scope: scopeOf(names, options) });
      await showResults(shell, results, "started", names);
    },
  );
  act<ScopeOptions>(
    scoped(
      program,
      "stop",
      "stop agents; a running turn may finish (30 s)",
      "every agent and the manager; `start --what-ran` undoes it",
    ),
    async (shell, [names = []]: [string[]?], options) => {
      const scope = scopeOf(names, options);
      shell.waitsFor(`the agents are still stopping; ${hivectl("status")} shows their state`);
      const { results } = "all" in scope ? await shell.client.call("stop_all", {}) : await shell.client.call("stop", { scope });
      await showResults(shell, results, "stopped", names);
    },
  );

  const each = (verb: string, words: string, done: string, run: (shell: Shell, name: string) => Promise<object>): void => {
    act<ScopeOptions>(scoped(program, verb, words), async (shell, [names]: [string[]?], options) => {
      shell.waitsFor(`the daemon finishes the last agent that it was asked for; ${hivectl("status")} shows its state`);
      await forEachAgent(shell, names ?? [], options, done, (name) => run(shell, name));
    });
  };
  each("kill", "stop agents at once; a message in its turn is delivered again", "stopped", ({ client }, name) =>
    client.call("kill", { name }),
  );
  each("restart", "stop and start agents", "restarted", ({ client }, name) => client.call("restart", { name }));
  each("pause", "let the messages of agents queue", "paused", ({ client }, name) =>
    client.call("set_paused", { name, paused: true }),
  );
  each("resume", "deliver their messages again", "resumed", ({ client }, name) =>
    client.call("set_paused", { name, paused: false }),
  );

  act<Deciding>(
    decides(
      program
        .command("revive")
        .argument("<tombstone>", "a destroyed agent", agentName)
        .description("bring a destroyed agent back with its state; answers once it runs"),
    ),
    async (shell, [name]: [string], { wait, note }) => {
      const output = await comesToLife(shell, name, wait, () => shell.client.call("revive", { name, note }));
      shell.show(output, () => `${name} is revived`);
    },
  );

  act<Deciding & { purge?: boolean }>(
    decides(
      program
        .command("destroy")
        .argument("<name>", "the agent", agentName)
        .description("remove an agent; its state and history are kept")
        .option("--purge", "also remove its notes, session and config, for good"),
    ),
    async (shell, [name]: [string], { purge = false, yes, note }) => {
      // The daemon refuses it anyway: do not ask first.
      if (name === MANAGER) throw new Failure(EXIT.refused, "forbidden", `${name} cannot be destroyed: it manages the others`);
      await confirm(shell, { yes }, purge ? `remove ${name} with its notes, session and config, for good` : `destroy ${name}`);
      await shell.client.call("destroy", { name, purge, note });
      shell.show({}, () =>
        purge ? `${name} is removed permanently` : `${name} destroyed; ${hivectl(`revive ${name}`)} restores it`,
      );
    },
  );

  act(program.command("tombstones").description("destroyed agents whose state is kept"), async (shell) =>
    shell.show(await shell.client.call("tombstones", {}), ({ agents }) =>
      agents.length === 0
        ? "no destroyed agent is kept"
        : table(
            agents,
            [
              { title: "NAME", value: (one) => one.name },
              { title: "DESTROYED", value: (one) => `${age(one.destroyed_at, shell.now)} ago` },
              { title: "SIZE", value: (one) => sizeText(one.bytes) },
            ],
            shell.width,
            shell.paint,
          ),
    ),
  );

  act<{ lines: number; system?: boolean; follow?: boolean }>(
    program
      .command("logs")
      .argument("<name>", "the agent", agentName)
      .description("what an agent's cage has written")
      .option("-n, --lines <count>", "how many lines", wholeNumber, 200)
      .option("--system", "what the system in its cage has logged (on NixOS)")
      .option("-f, --follow", "print new lines as they come, until Ctrl-C"),
    async (shell, [name]: [string], { lines, system = false, follow = false }) => {
      if (system && follow) return followJournal(shell, name, lines);
      const read = (client: LineClient, after?: number): Promise<Output<"logs">> =>
        client.call("logs", { name, lines, ...(system ? { system } : {}), ...(after === undefined ? {} : { after }) });
      const nothing = `the cage of ${name} has written nothing yet`;
      const { printLog } = await import("../follow-log.ts");
      // The log of a cage goes on with its next start.
      await printLog(shell, { read, nothing, ended: () => new Promise(() => {}) }, follow);
    },
  );

  act<{ request?: number; to?: string }>(
    program
      .command("config")
      .argument("<name>", "the agent", agentName)
      .description("the config of an agent: the deployed one, or that of a request")
      .option("-r, --request <id>", "of this request", wholeNumber)
      .option("--to <folder>", "save it into this new folder, to be edited and proposed"),
    async (shell, [name]: [string], { request, to }) => {
      const output = await shell.client.call("config", { name, request });
      if (to !== undefined) {
        const { writeTree } = await import("../tree.ts");
        writeTree(to, output.files);
        return shell.show(output, () => `${to} has the config: edit it, then ${hivectl(`propose ${name} ${shellWord(to)}`)}`);
      }
      shell.show(output, ({ files }) =>
        files.map((file) => `${shell.paint("dim", `── ${visible(file.path)} ──`)}\n${visible(file.text).trimEnd()}`).join("\n"),
      );
    },
  );
}

/** Makes a call that answers once an agent runs. With --wait, prints the steps of its deploy. */
async function comesToLife<T>(shell: Shell, name: string, wait: boolean | undefined, call: () => Promise<T>): Promise<T> {
  shell.waitsFor(`the deploy of ${name} continues; ${hivectl(`requests ${name}`)} shows its state`);
  if (wait !== true) return call();
  const { tellingSteps } = await import("../follow.ts");
  return tellingSteps(shell, (one) => one.agent === name && one.kind === "spawn", call);
}

/** Prints what the system of a container logs, until the reader ends it. With --json, an answer for each part. */
async function followJournal(shell: Shell, name: string, lines: number): Promise<void> {
  for await (const part of shell.client.stream("journal", { name, lines: Math.min(lines, MAX_JOURNAL_LINES) }))
    shell.show(part, ({ lines: written }) => written.map(terminalText).join("\n"));
}
/** The most that the operation takes. */
const MAX_JOURNAL_LINES = 1000;

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message.replace(/, \w+ .*$/, "")}`);
  }
}

function readJson(file: string): Record<string, unknown> {
  const text = readText(file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new UsageError(`${file} is not a JSON object`);
  return value as Record<string, unknown>;
}
