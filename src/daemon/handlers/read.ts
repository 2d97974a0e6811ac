import { hivectl } from "../../lib/hivectl.ts";
import { isUtf8 } from "node:buffer";
import type { Agent } from "../../agents/agent.ts";
import { readGeneration } from "../../agents/config-tree.ts";
import { statusRow, type AgentView } from "../../wire/agent.ts";
import { RepoRefusal } from "../../config-repos/types.ts";
import type { TreeFile } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import type { Output } from "../../wire/operations.ts";
import { lastLines, linesAfter } from "../log-file.ts";
import { subscribeLines } from "../stream.ts";
import { operatorOf } from "./caller.ts";
import type { SystemLog } from "../system-log.ts";
import type { HandlerContext, Handlers } from "./types.ts";

type Names =
  | "list"
  | "agent_status"
  | "subscribe_agent_status"
  | "urls"
  | "state"
  | "turn_events"
  | "watch"
  | "logs"
  | "journal"
  | "config"
  | "shutdown";

export const readHandlers: Pick<Handlers, Names> = {
  list: (context) => ({ agents: context.swarm.all().map((agent) => agent.name) }),
  agent_status: (context) => ({ agent_statuses: context.swarm.all().map((agent) => statusRow(context.views.agent(agent))) }),

  async *subscribe_agent_status(context, _input, caller) {
    // The desktop client waits for this bare line before it counts as subscribed.
    yield {};
    const ended = caller.kind === "operator" ? caller.ended : undefined;
    const last = new Map<string, string>();
    for await (const event of subscribeLines(context, { kinds: ["agent"] }, ended)) {
      if (event.kind !== "agent" || event.agent.destroyed) continue;
      const row = rowIfChanged(event.agent, last);
      if (row) yield row;
    }
  },

  urls(context) {
    const ports = context.swarm.all().flatMap((agent) => {
      const port = context.pages.portOf(agent);
      return port === undefined ? [] : [[agent.name, `http://127.0.0.1:${port}`] as const];
    });
    return {
      urls: {
        home: context.urls.home,
        ...(context.urls.domain ? { domain: context.urls.domain } : {}),
        ...(ports.length > 0 ? { agents: Object.fromEntries(ports) } : {}),
      },
    };
  },
  state(context, input, caller) {
    return { state: context.views.snapshot(input.messages, context.passkeys.you(operatorOf(caller))) };
  },
  turn_events: (context, input) => context.turns.page(context.swarm.byNameEvenDestroyed(input.agent), input),

  async *watch(context, input, caller) {
    yield {};
    const ended = caller.kind === "operator" ? caller.ended : undefined;
    for await (const event of subscribeLines(context, input, ended)) yield { event };
  },

  async logs(context, input) {
    const agent = context.swarm.byNameEvenDestroyed(input.name);
    if (input.system) {
      return { lines: await systemLogFor(context, agent).last(agent, input.lines), position: 0 };
    }
    const file = context.paths.agent(agent.id).log;
    return input.after === undefined ? lastLines(file, input.lines) : linesAfter(file, input.after);
  },

  async *journal(context, input, caller) {
    const agent = context.swarm.byNameEvenDestroyed(input.name);
    const log = systemLogFor(context, agent);
    if (caller.kind !== "operator") return;
    // It ends with its caller, who else keeps a program of root's busy.
    for await (const lines of log.follow(agent, input.lines, caller.operator.name, caller.ended)) yield { lines };
  },

  async config(context, input) {
    if (input.request !== undefined) {
      const row = context.deploys.requestStore.get(input.request);
      if (row.name !== input.name) throw new HiveError("not_found", `request ${row.id} is about ${row.name}, not ${input.name}`);
      const files = await context.repos
        .applied(row.name)
        .files(row.sha)
        .catch((error: unknown) => {
          throw error instanceof RepoRefusal ? new HiveError("bad_request", error.message, { cause: error }) : error;
        });
      return { files: files.map(readFile) };
    }
    const agent = context.swarm.byNameEvenDestroyed(input.name);
    const root = context.paths.agent(agent.id).generation(agent.record.generation);
    return { files: (await readGeneration(root)).map(readFile) };
  },

  shutdown(context) {
    // Answer first: the caller should get the answer before its socket closes.
    setImmediate(() => context.requestShutdown("hivectl shutdown"));
    return {};
  },
};

function systemLogFor({ systemLog }: HandlerContext, { name }: Agent): SystemLog {
  if (systemLog) return systemLog;
  throw new HiveError("bad_request", `the cage of ${name} boots no system: its log is ${hivectl(`logs ${name}`)}`);
}

/** The status row of an agent, if it differs from the last one sent. */
function rowIfChanged(agent: AgentView, last: Map<string, string>): Output<"subscribe_agent_status"> | undefined {
  const row = statusRow(agent);
  const text = JSON.stringify(row);
  if (last.get(agent.name) === text) return undefined;
  last.set(agent.name, text);
  return { agent_statuses: [row] };
}

/** A file as text. A file that text cannot represent also has its bytes, so that all of it can be proposed again. */
function readFile({ path, mode, base64 }: TreeFile): Output<"config">["files"][number] {
  const bytes = Buffer.from(base64, "base64");
  const isExact = mode !== "120000" && isUtf8(bytes);
  return { path, mode, text: bytes.toString("utf8"), ...(isExact ? {} : { base64 }) };
}
