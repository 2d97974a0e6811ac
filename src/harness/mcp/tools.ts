import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { AgentRole } from "../../wire/agent.ts";
import { HiveError } from "../../wire/error.ts";
import { MAX_RECV_WAIT_SECONDS } from "../../wire/limits.ts";
import { Repos } from "../../wire/config-repos.ts";
import { changeTools } from "./change-tools.ts";
import { ALL_ROLES, define, MANAGER_ONLY, type HiveTool, type ToolHost } from "./tool.ts";

const oneAgent = { name: z.string().describe("Name of the agent") };

/**
 * The tools of the hive and the roles that may use them. This list decides only which tools are offered. The daemon
 * checks each call.
 */
export const hiveTools: readonly HiveTool[] = [
  define({
    name: "send",
    description:
      'Send a message to another agent, to "operator" (the human), to "manager", or to "*" (every agent in your recipients). The message is stored before this returns; the recipient gets it as soon as it is free. This is the only way to answer: plain text in your turn is not delivered.',
    roles: ALL_ROLES,
    shape: {
      to: z.string().describe('Recipient: an agent\'s name, "operator", "manager" or "*"'),
      body: z.string().describe("The message: text of 1 byte to 256 KiB. Put longer text into a file and send its path."),
      in_reply_to: z
        .number()
        .int()
        .optional()
        .describe(
          "Id of the message that this answers. Without it, a message to the sender of this turn's message is its answer.",
        ),
    },
    async run(host, { to, body, in_reply_to }) {
      const reply = in_reply_to ?? host.messageFrom(to.replace(/^@/, ""));
      // The key makes a call that is repeated after a broken connection the same message.
      const { sent, refused } = await host.call("send", {
        to,
        body,
        client_id: randomUUID(),
        ...(reply === undefined ? {} : { in_reply_to: reply }),
      });
      const lines = sent.map((one) =>
        one.state === "held"
          ? `message ${one.id} to ${one.to} is held: this chain of messages is too long, and the operator must release it`
          : `sent to ${one.to} (message ${one.id})`,
      );
      return [...lines, ...refused.map((one) => `not sent to ${one.to}: ${one.error}`)].join("\n");
    },
  }),
  define({
    name: "recv",
    description: `Take the next message from your inbox into this turn. Without wait it returns at once: a message, or "no message". With wait it waits for a message, ${MAX_RECV_WAIT_SECONDS} seconds at most. To wait longer, end your turn: the next message starts a new turn.`,
    roles: ALL_ROLES,
    shape: {
      wait: z
        .number()
        .min(0)
        .max(MAX_RECV_WAIT_SECONDS)
        .optional()
        .describe("Seconds to wait for a message when the inbox is empty"),
    },
    async run(host, { wait }) {
      const { message, token, unread } = await host.call("recv", wait === undefined ? {} : { wait });
      if (!message || token === undefined) return "no message";
      host.leased({ id: message.id, token, from: message.from });
      const again = message.redelivered ? ", redelivered: an earlier attempt did not finish" : "";
      const more = unread > 0 ? `\n\n(${unread} more pending)` : "";
      return `Message ${message.id} from ${message.from}${again}\n\n${message.body}${more}`;
    },
  }),
  define({
    name: "ask_operator",
    description:
      "Ask the human operator for a decision. Returns the id of the question at once; the answer arrives later as a message from system. End your turn after asking, unless you have other work.",
    roles: ALL_ROLES,
    shape: {
      question: z.string().describe("The question, with the facts that the operator needs to decide"),
      options: z
        .array(z.string())
        .max(20)
        .optional()
        .describe("Answers to choose from; the operator can always answer in free text"),
      multi: z.boolean().optional().describe("True if the operator may choose several options"),
      ttl_seconds: z
        .number()
        .int()
        .min(10)
        .optional()
        .describe("Seconds until the question expires; you get a message when it does"),
    },
    async run(host, { question, options, multi, ttl_seconds }) {
      const { question_id: id } = await host.call("ask_operator", {
        question,
        ...(options ? { options } : {}),
        ...(multi === undefined ? {} : { multi }),
        ...(ttl_seconds === undefined ? {} : { ttl_seconds }),
      });
      return `question ${id} is asked; the answer arrives as a message`;
    },
  }),
  define({
    name: "set_status",
    description:
      "Set your status: one line that says what you are doing. The operator sees it next to your name. Set it when you start work and when you finish.",
    roles: ALL_ROLES,
    shape: { text: z.string().max(280).describe("One line; empty to clear it") },
    async run(host, { text }) {
      await host.call("set_status", { text });
      return "status set";
    },
  }),
  define({
    name: "whoami",
    description: "Your name, role, model, description, recipients, and the number of unread messages.",
    roles: ALL_ROLES,
    shape: {},
    run: async (host) => JSON.stringify(await host.call("whoami", {})),
  }),
  define({
    name: "list_agents",
    description: "The agents of this hive: name, state, status, description, and number of unread messages.",
    roles: MANAGER_ONLY,
    shape: {},
    run: async (host) => JSON.stringify((await host.call("list_agents", {})).agents),
  }),
  define({
    name: "start",
    description: "Start a stopped agent.",
    roles: MANAGER_ONLY,
    shape: oneAgent,
    async run(host, { name }) {
      const [result] = (await host.call("start", { scope: { agent_names: [name] } })).results;
      if (result?.ok === false) throw new Error(result.error ?? `${name} could not be started`);
      return `${name} is started`;
    },
  }),
  define({
    name: "kill",
    description:
      "Stop another agent at once. Its running turn is interrupted, and the message of that turn returns to its inbox.",
    roles: MANAGER_ONLY,
    shape: oneAgent,
    async run(host, { name }) {
      await host.call("kill", { name });
      return `${name} is stopped`;
    },
  }),
  define({
    name: "restart",
    description: "Restart another agent after its running turn (30 s at most).",
    roles: MANAGER_ONLY,
    shape: oneAgent,
    async run(host, { name }) {
      await host.call("restart", { name });
      return `${name} is restarted`;
    },
  }),
  define({
    name: "request_spawn",
    description:
      "Request a new agent. Returns the id of the request at once. When the operator approves it, the agent is created and started; you get `approval_resolved` and `spawned` from system, and can send to it.",
    roles: MANAGER_ONLY,
    shape: {
      name: z.string().describe("Name of the new agent: 1 to 32 of a-z, 0-9 and '-', starting with a letter"),
      description: z.string().optional().describe("The agent's purpose in one line. The operator and the agent both read it"),
      repos: Repos.optional().describe(
        "Repositories that it works on, as in agent.json: name, base (by default the repository's own), access (write or read)",
      ),
    },
    async run(host, { name, description, repos }) {
      const { request } = await host.call("request_spawn", {
        name,
        ...(description === undefined ? {} : { description }),
        ...(repos === undefined ? {} : { repos }),
      });
      return `request ${request} waits for the operator; you get a message when it ends`;
    },
  }),
  define({
    name: "request_apply_commit",
    description:
      "Request a config change: the deploy of a commit in /agents/<agent>/config. Commit with git first, then pass the commit. The request is pinned to it: later edits do not change the request. The commit must descend from the deployed one. You get `approval_resolved` from system when the request is denied, deployed or failed. After a failure, `git fetch applied && git show applied/refs/tags/failed/<id>` in that folder shows the error.",
    roles: MANAGER_ONLY,
    shape: {
      agent: z.string().describe("Name of the agent whose config changes"),
      commit: z.string().describe("The commit as hex digits, as `git rev-parse HEAD` prints it; not a branch or tag"),
      description: z.string().optional().describe("What changes and why, in one line, for the operator"),
    },
    async run(host, { agent, commit, description }) {
      const sha = await host.fullCommit(agent, commit.trim());
      const { request, refused } = await host.call("request_apply_commit", {
        agent,
        commit: sha,
        ...(description === undefined ? {} : { description }),
      });
      if (refused !== undefined)
        throw new Error(
          `request ${request} failed its check:\n${refused}\nFix it in /agents/${agent}/config, commit, and request the new commit.`,
        );
      return `request ${request} for commit ${sha} waits for the operator; you get a message when it ends`;
    },
  }),
  define({
    name: "cancel_request",
    description: "Cancel one of your requests that the operator has not decided.",
    roles: MANAGER_ONLY,
    shape: { id: z.number().int().describe("Id of the request") },
    async run(host, { id }) {
      await host.call("cancel_request", { request: id });
      return `request ${id} is cancelled`;
    },
  }),
  define({
    name: "update",
    description:
      "Rebuild another agent with the current hyperhive and its approved config, between its turns. It does nothing if the agent is up to date. You get `rebuilt` from system afterwards.",
    roles: MANAGER_ONLY,
    shape: oneAgent,
    async run(host, { name }) {
      const [result] = (await host.call("update", { scope: { agent_names: [name] } })).results;
      if (result?.ok === false) throw new Error(result.error ?? `${name} could not be updated`);
      return `${name} is rebuilt between its turns, if it is stale`;
    },
  }),
  ...changeTools,
];

/** The tools of an agent: those of its role, and those on repositories if its config names any. */
export function toolsFor(role: AgentRole, config: { repos: readonly unknown[] }): HiveTool[] {
  return hiveTools.filter((tool) => tool.roles.includes(role) && (tool.onRepositories !== true || config.repos.length > 0));
}

export interface ToolAnswer {
  [key: string]: unknown;
  content: { type: "text"; text: string }[];
  isError?: boolean;
}

/** A tool in MCP's list format. */
export function describeTool(tool: HiveTool): { name: string; description: string; inputSchema: { type: "object" } } {
  // The input side of the schema, in the JSON Schema dialect that all clients read.
  const inputSchema = z.toJSONSchema(z.object(tool.shape), { io: "input", target: "draft-7" });
  return { name: tool.name, description: tool.description, inputSchema: { ...inputSchema, type: "object" } };
}

/** Runs a tool. A refusal becomes an answer that the model can read. `tool` is undefined for an unknown name. */
export async function answerTool(
  tool: HiveTool | undefined,
  name: string,
  host: ToolHost,
  args: Record<string, unknown>,
): Promise<ToolAnswer> {
  try {
    if (!tool) throw new HiveError("not_found", `there is no tool ${name}`);
    return { content: [{ type: "text", text: await tool.run(host, args) }] };
  } catch (error) {
    return { content: [{ type: "text", text: error instanceof Error ? error.message : String(error) }], isError: true };
  }
}
