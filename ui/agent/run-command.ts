import { ApiError, call } from "../lib/api.ts";
import type { PageCommand, SlashName, Typed } from "./slash.ts";

/** Commands of an agent's prompt that the hive carries out. They resolve to the words of a toast. */
const COMMANDS: Record<Exclude<SlashName, PageCommand>, (name: string, argument: string) => Promise<string>> = {
  cancel: async (name) =>
    (await call("cancel", { name })).cancelled
      ? `the turn of ${name} is cancelled; its message was dropped`
      : `${name} had no turn running`,
  compact: async (name) => {
    await call("compact", { name });
    return `${name} compacts its session`;
  },
  model: async (name, model) => {
    if (model === "") throw new ApiError("bad_request", "which model? /model <name>");
    const { note } = await call("model", { name, model });
    return `${name} uses ${model} from its next turn on${note === undefined ? "" : `. ${note}`}`;
  },
  "new-session": async (name) => {
    await call("new_session", { name });
    return `${name} begins a new session with its next turn`;
  },
  pause: async (name) => {
    await call("set_paused", { name, paused: true });
    return `${name} is paused; its messages queue`;
  },
  resume: async (name) => {
    await call("set_paused", { name, paused: false });
    return `${name} resumed`;
  },
};

/** Runs a typed command for an agent. Throws `ApiError` for one that does not exist or belongs to the agent's page. */
export async function runCommand(agent: string, typed: Exclude<Typed, { kind: "message" }>): Promise<string> {
  if (typed.kind === "unknown") throw new ApiError("bad_request", `there is no command /${typed.name}; / lists them`);
  if (typed.name === "help" || typed.name === "clear")
    throw new ApiError("bad_request", `/${typed.name} is a command of the box on the page of ${agent}`);
  return COMMANDS[typed.name](agent, typed.argument);
}
