import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { AgentRole } from "../../wire/agent.ts";
import { HiveError, parseOrThrow } from "../../wire/error.ts";
import { MAX_RECV_WAIT_SECONDS } from "../../wire/limits.ts";
import type { Input, OperationName, Output } from "../../wire/operations.ts";

/** What the tools need of the harness. */
export interface ToolHost {
  call<N extends OperationName>(name: N, input: Input<N>): Promise<Output<N>>;
  /** The full name of a commit in an agent's proposed repository. Throws words for what is not one. */
  fullCommit(agent: string, commit: string): Promise<string>;
  /** A message was taken into the running turn. */
  leased(lease: { id: number; token: string; from: string }): void;
  /** The message of this turn that its sender would take an answer to; undefined when there is none. */
  messageFrom(sender: string): number | undefined;
}

/** One MCP tool: words a model can act on, plain shapes, and how the answer reads. */
export interface HiveTool {
  name: string;
  description: string;
  roles: readonly AgentRole[];
  shape: z.ZodRawShape;
  run(host: ToolHost, args: Record<string, unknown>): Promise<string>;
}

const EVERYONE = ["agent", "manager"] as const;
const MANAGER_ONLY = ["manager"] as const;

function define<S extends z.ZodRawShape>(tool: {
  name: string;
  description: string;
  roles: readonly AgentRole[];
  shape: S;
  run(host: ToolHost, args: z.infer<z.ZodObject<S>>): Promise<string>;
}): HiveTool {
  const schema = z.object(tool.shape);
  return { ...tool, run: (host, args) => tool.run(host, parseOrThrow(schema, args)) };
}

const oneAgent = { name: z.string().describe("Name of the agent") };

/** The tools of the hive, by who may use them. The daemon checks again: this list only decides what is offered. */
export const hiveTools: readonly HiveTool[] = [
  define({
    name: "send",
    description:
      'Send a message to another agent, to "operator" (the human), to "manager", or to "*" (every agent you may reach). It is stored before this returns, and the recipient gets it as soon as it is free. This is the only way to answer anyone: your plain text is not delivered.',
    roles: EVERYONE,
    shape: {
      to: z.string().describe('Recipient: an agent\'s name, "operator", "manager" or "*"'),
      body: z.string().describe("The message, 1 byte to 256 KiB of text. Put longer texts into a file and send its path."),
      in_reply_to: z
        .number()
        .int()
        .optional()
        .describe(
          "Id of the message that this answers. Left out, an answer to the sender of this turn's message is threaded by itself.",
        ),
    },
    async run(host, { to, body, in_reply_to }) {
      const reply = in_reply_to ?? host.messageFrom(to.replace(/^@/, ""));
      // The key makes a repeated call after a broken connection the same message.
      const { sent, refused } = await host.call("send", {
        to,
        body,
        client_id: randomUUID(),
        ...(reply === undefined ? {} : { in_reply_to: reply }),
      });
      const lines = sent.map((one) =>
        one.state === "held"
          ? `message ${one.id} to ${one.to} waits: this conversation has gone on long without the operator, who must let it go on`
          : `sent to ${one.to} (message ${one.id})`,
      );
      return [...lines, ...refused.map((one) => `not sent to ${one.to}: ${one.error}`)].join("\n");
    },
  }),
  define({
    name: "recv",
    description: `Take the next message of your inbox into this turn. Without wait it answers at once, with a message or with word that there is none. With wait it stays until one comes, at most ${MAX_RECV_WAIT_SECONDS} seconds. To wait longer, end your turn: a new message begins the next one.`,
    roles: EVERYONE,
    shape: {
      wait: z.number().min(0).max(MAX_RECV_WAIT_SECONDS).optional().describe("Seconds to wait for a message when there is none"),
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
      "Ask the human operator for a decision. Returns an id at once and does not wait: the answer arrives later as a message from system. Finish your turn after asking, unless there is other work.",
    roles: EVERYONE,
    shape: {
      question: z.string().describe("The question, with what the operator needs to know to decide"),
      options: z.array(z.string()).max(20).optional().describe("Answers to choose from; free text is always possible"),
      multi: z.boolean().optional().describe("True when several options may be chosen"),
      ttl_seconds: z.number().int().min(10).optional().describe("After this many seconds the question expires and you are told"),
    },
    async run(host, { question, options, multi, ttl_seconds }) {
      const { question_id: id } = await host.call("ask_operator", {
        question,
        ...(options ? { options } : {}),
        ...(multi === undefined ? {} : { multi }),
        ...(ttl_seconds === undefined ? {} : { ttl_seconds }),
      });
      return `asked as question ${id}; the answer arrives as a message`;
    },
  }),
  define({
    name: "set_status",
    description:
      "Say in one line what you are doing. The operator sees it beside your name. Set it when you begin something and when you are done.",
    roles: EVERYONE,
    shape: { text: z.string().max(280).describe("One line; empty to clear it") },
    async run(host, { text }) {
      await host.call("set_status", { text });
      return "status set";
    },
  }),
  define({
    name: "whoami",
    description: "Your name, role, model, what you are for, and whom you can send to.",
    roles: EVERYONE,
    shape: {},
    run: async (host) => JSON.stringify(await host.call("whoami", {})),
  }),
  define({
    name: "list_agents",
    description: "The agents of this hive: name, state, status line, what each is for, and how many messages wait for it.",
    roles: MANAGER_ONLY,
    shape: {},
    run: async (host) => JSON.stringify((await host.call("list_agents", {})).agents),
  }),
  define({
    name: "start",
    description: "Start another agent that is stopped.",
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
    description: "Stop another agent at once. Its running turn ends, and the message of that turn goes back to its inbox.",
    roles: MANAGER_ONLY,
    shape: oneAgent,
    async run(host, { name }) {
      await host.call("kill", { name });
      return `${name} is stopped`;
    },
  }),
  define({
    name: "restart",
    description: "Restart another agent: its running turn may finish first.",
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
      "Ask the operator for a new agent. It comes into being when the operator approves; you then get `approval_resolved` and `spawned` from system, and can write to it. Returns the id of the request at once.",
    roles: MANAGER_ONLY,
    shape: {
      name: z.string().describe("Name of the new agent: 1 to 32 of a-z, 0-9 and '-', starting with a letter"),
      description: z
        .string()
        .optional()
        .describe("What it is for, in one line: the operator decides by it, the agent is told it"),
    },
    async run(host, { name, description }) {
      const { request } = await host.call("request_spawn", { name, ...(description === undefined ? {} : { description }) });
      return `request ${request} waits for the operator; you are told how it ends`;
    },
  }),
  define({
    name: "request_apply_commit",
    description:
      "Ask the operator to let a commit of /agents/<agent>/config go live. Commit there with git first, then pass the commit. It is pinned at once: what you change afterwards changes nothing. It must contain what runs. You get `approval_resolved` from system when it is decided and deployed, or has failed (then `git fetch applied && git show applied/refs/tags/failed/<id>` in that folder says why).",
    roles: MANAGER_ONLY,
    shape: {
      agent: z.string().describe("Name of the agent whose config it is"),
      commit: z.string().describe("The commit: hex digits, as `git rev-parse HEAD` prints them. Not a branch or tag"),
      description: z.string().optional().describe("What changes and why, in one line: the operator decides by it"),
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
          `request ${request} was looked at and cannot be deployed:\n${refused}\nMend it in /agents/${agent}/config, commit, and ask again.`,
        );
      return `request ${request} for commit ${sha} waits for the operator; you are told how it ends`;
    },
  }),
  define({
    name: "cancel_request",
    description: "Take back a request of yours that the operator has not decided yet.",
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
      "Rebuild another agent whose hyperhive or locked config is stale, between its turns. Its config stays what the operator approved. You get `rebuilt` from system when it is done.",
    roles: MANAGER_ONLY,
    shape: oneAgent,
    async run(host, { name }) {
      const [result] = (await host.call("update", { scope: { agent_names: [name] } })).results;
      if (result?.ok === false) throw new Error(result.error ?? `${name} could not be updated`);
      return `${name} is rebuilt between its turns, if it is stale`;
    },
  }),
];

export function toolsFor(role: AgentRole): HiveTool[] {
  return hiveTools.filter((tool) => tool.roles.includes(role));
}

export interface ToolAnswer {
  [key: string]: unknown;
  content: { type: "text"; text: string }[];
  isError?: boolean;
}

/** A tool as MCP lists it. */
export function describeTool(tool: HiveTool): { name: string; description: string; inputSchema: { type: "object" } } {
  // What a client sends, in the dialect of JSON Schema that all of them read.
  const inputSchema = z.toJSONSchema(z.object(tool.shape), { io: "input", target: "draft-7" });
  return { name: tool.name, description: tool.description, inputSchema: { ...inputSchema, type: "object" } };
}

/** Runs a tool; a refusal is an answer that the model can read, never a broken call. `tool` is absent when none has that name. */
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
