import { DEFAULT_CREDENTIAL } from "../../wire/default-credential.ts";
import type { Argument, Command, Option } from "commander";
import { KIND_WORDS } from "../../wire/words.ts";
import { connectLines, type LineClient } from "../../rpc/client.ts";
import { OFFERED_MODELS } from "../../wire/models.ts";
import { CHANGE_WORDS } from "../../wire/change-states.ts";
import { oneLine } from "../print.ts";
import { everyRepo } from "../older.ts";
import { isGroup, verbName } from "../verbs.ts";

/** A word that may be completed at the cursor, with its description. */
export interface Candidate {
  value: string;
  words: string;
}

/** Makes the shell complete file names instead. */
export const FILES: Candidate = { value: ":files", words: "" };

/** Maximum characters of a candidate's description. */
const MAX_WORDS = 60;

/**
 * Completes the last of these words (the words after `hivectl`). Verbs and options come from the command definitions;
 * names and numbers come from the hive, if one answers.
 */
export async function complete(
  program: Command,
  words: readonly string[],
  socketPath: (explicit?: string) => string,
): Promise<Candidate[]> {
  const current = words.at(-1) ?? "";
  const before = parse(program, words.slice(0, -1));
  const candidates = await candidatesFor(program, before, current, () =>
    connectLines(socketPath(before.socket), { ordered: true }),
  );
  const chosen = new Set(before.positionals);
  return candidates.filter((one) => one === FILES || (one.value.startsWith(current) && !chosen.has(one.value)));
}

interface Parsed {
  /** The verb; a group as long as its verb is missing. */
  verb: Command | undefined;
  positionals: string[];
  /** An option that still needs its value. */
  open: Option | undefined;
  socket: string | undefined;
}

function parse(program: Command, words: readonly string[]): Parsed {
  const parsed: Parsed = { verb: undefined, positionals: [], open: undefined, socket: undefined };
  for (const word of words) {
    if (parsed.open) {
      if (parsed.open.long === "--socket") parsed.socket = word;
      if (!parsed.open.variadic) parsed.open = undefined;
      if (!word.startsWith("-")) continue;
    }
    if (word.startsWith("-") && word !== "-") {
      const option = optionsOf(program, parsed.verb).find((one) => one.long === word || one.short === word);
      parsed.open = option && (option.required || option.optional) ? option : undefined;
    } else if (parsed.verb && !isGroup(parsed.verb)) parsed.positionals.push(word);
    else parsed.verb = (parsed.verb ?? program).commands.find((one) => one.name() === word) ?? parsed.verb;
  }
  return parsed;
}

const optionsOf = (program: Command, verb: Command | undefined): readonly Option[] => (verb ?? program).options;

async function candidatesFor(
  program: Command,
  { verb, positionals, open }: Parsed,
  current: string,
  connect: () => Promise<LineClient>,
): Promise<Candidate[]> {
  const words = verb && verbName(verb);
  if (open && !(open.variadic && current.startsWith("-")))
    return open.argChoices ? fixed(open.argChoices) : valuesOf(open.long ?? "", words, positionals, connect, current);
  if (current.startsWith("-")) {
    const help = { value: "--help", words: "display help" };
    return [...optionsOf(program, verb).map((one) => ({ value: one.long ?? one.flags, words: one.description })), help];
  }
  if (!verb || isGroup(verb)) {
    const list = verb ?? program;
    const named = list.createHelp().visibleCommands(list);
    return named.map((one) => ({ value: one.name(), words: one.description() }));
  }
  const argument = argumentAt(verb, positionals.length);
  if (!argument) return [];
  return argument.argChoices ? fixed(argument.argChoices) : valuesOf(argument.name(), words, positionals, connect, current);
}

function argumentAt(verb: Command, at: number): Argument | undefined {
  const all = verb.registeredArguments;
  return all[at] ?? (all.at(-1)?.variadic === true ? all.at(-1) : undefined);
}

/** The verbs that are also for changes that have ended. */
const OF_ENDED: readonly string[] = ["change show", "change log", "change revert", "change checkout"];

const fixed = (values: readonly string[]): Candidate[] => values.map((value) => ({ value, words: "" }));

/** The candidates for an argument or for an option's value, by its name. */
async function valuesOf(
  name: string,
  verb: string | undefined,
  positionals: readonly string[],
  connect: () => Promise<LineClient>,
  current = "",
): Promise<Candidate[]> {
  switch (name) {
    case "model":
    case "--model":
      return fixed(OFFERED_MODELS);
    case "--base":
      if (verb === "show") return fixed(["running", "requested", "parent"]);
      break;
    case "folder|commit":
    case "folder":
    case "--state":
    case "--config":
    case "--instructions":
    case "--socket":
      return [FILES];
    case "":
      return [];
    default:
  }
  let client: LineClient | undefined;
  try {
    client = await connect();
    return await fromHive(client, name, verb, positionals, current);
  } catch {
    return []; // without a hive there are no names
  } finally {
    client?.close();
  }
}

async function fromHive(
  client: LineClient,
  name: string,
  verb: string | undefined,
  positionals: readonly string[],
  current: string,
): Promise<Candidate[]> {
  const row = (value: number | string, words: string): Candidate => ({
    value: String(value),
    words: oneLine(words).slice(0, MAX_WORDS),
  });
  switch (name) {
    case "name":
    case "names":
    case "agent":
    case "--agent":
    case "--reviewer":
    case "to": {
      const { state } = await client.call("state", { messages: 0 });
      const at = current.startsWith("@") ? "@" : "";
      const agents = state.agents
        .filter((agent) => !agent.destroyed)
        .map((agent) =>
          row(at + agent.name, [agent.state, agent.status_text ?? agent.description ?? ""].filter(Boolean).join(" · ")),
        );
      return agents;
    }
    case "tombstone":
      return (await client.call("tombstones", {})).agents.map((one) => row(one.name, `destroyed ${one.destroyed_at}`));
    case "repo":
    case "--repo":
      return (await everyRepo(client)).map((one) => row(one.name, one.upstream ?? ""));
    case "--base": {
      const repo = (await everyRepo(client)).find((one) => one.name === positionals[0]);
      return (repo?.bases ?? []).map((one) => row(one.name, one.sha.slice(0, 12)));
    }
    case "id":
    case "--request": {
      if (verb?.startsWith("change ") === true) {
        const { changes } = await client.call("changes", { open: !OF_ENDED.includes(verb) });
        return changes.map((one) => row(one.id, `${CHANGE_WORDS[one.state]} ${one.repo} ${one.agent} ${one.title}`));
      }
      if (verb === "rollback") {
        const { deploys } = await client.call("deploys", { agent: positionals[0] ?? "" });
        return deploys
          .filter((one) => one.state === "deployed" && !one.runs)
          .map((one) => row(one.id, one.description ?? one.sha ?? ""));
      }
      const { approvals } = await client.call("approvals", { open: name === "id" });
      return approvals.map((one) => row(one.id, `${one.state} ${KIND_WORDS[one.kind]} ${one.agent} ${one.description ?? ""}`));
    }
    case "question":
      return (await client.call("questions", {})).questions.map((one) => row(one.id, `${one.agent}: ${one.question}`));
    case "operator":
      return (await client.call("operators", {})).operators.flatMap((one) =>
        one.user === undefined ? [] : row(one.name, one.role),
      );
    case "secret":
      return (await client.call("secrets", {})).secrets.map((one) => row(one.name, one.missing ? "missing" : ""));
    case "credential":
      return (await client.call("credentials", {})).credentials.flatMap((one) =>
        one.name === DEFAULT_CREDENTIAL ? [] : row(one.name, one.agents.join(", ")),
      );
    case "session":
      return (await client.call("sessions", {})).sessions.map((one) => row(one.id, `${one.operator} ${one.user_agent}`));
    case "inputs":
      return (await client.call("meta", {})).inputs.map((one) => row(one.name, one.rev ?? ""));
    default:
      return [];
  }
}
