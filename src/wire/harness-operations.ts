import { z } from "zod";
import { AgentRole } from "./agent.ts";
import { MAX_SERVERS } from "./config-limits.ts";
import { DeployedConfig } from "./config.ts";
import { Figure, LiveDelta, SpooledEvent, TurnNumber } from "./event.ts";
import { AssignedRepo, Reason, RepoRef, TurnOutcome, WorkReport, WorkspaceReport } from "./harness.ts";
import {
  MAX_EVENTS_PER_PUBLISH,
  MAX_LEASES,
  MAX_PATH_CHARS,
  MAX_SERVER_NAME_CHARS,
  MAX_SESSION_ID_CHARS,
  MAX_TOKEN_CHARS,
} from "./limits.ts";
import { LeasedMessage } from "./message.ts";
import { IncludedFile, IncludePath } from "./include.ts";
import { Id } from "./names.ts";
import { nothing, type Operation } from "./operation.ts";
import { RepoName } from "./work.ts";

/** The part of the answer to a hello that configures the harness. Sent with every connection. */
const Assignment = z.object({
  protocol: z.number().int(),
  agent: z.object({ id: z.string(), name: z.string(), role: AgentRole }),
  /** As deployed: rules for new requests may be newer. */
  config: DeployedConfig,
  /** The system prompt's appendix: the swarm's rules and the agent's INSTRUCTIONS.md. */
  system_prompt: z.string(),
  model: z.string(),
  session_id: z.string().optional(),
  credential_kind: z.enum(["api-key", "oauth"]),
  paused: z.boolean(),
  /** The last stored `n` of this instance. The spool continues after it. */
  confirmed_n: z.number().int(),
  /** The turn number to use next. */
  next_turn: z.number().int(),
  /** Leases of this instance that the daemon still honours. */
  leases: z.array(z.object({ id: Id, token: z.string() })),
  /** The first one is where turns begin. */
  repos: z.array(AssignedRepo).default([]),
  /** The secrets that its config gives it, as variables. A harness takes those of its first hello only. */
  secrets: z.record(z.string(), z.string()).default({}),
  /** Someone looks at the hive. */
  watched: z.boolean().default(false),
});

/** The most servers that a harness reports on: those of a config, and the hive's own. */
const MAX_REPORTED_SERVERS = MAX_SERVERS + 1;
const ServerReport = z
  .record(z.string(), z.unknown())
  // Before the values are parsed: each of many thousand would get a complaint of its own.
  .refine((servers) => Object.keys(servers).length <= MAX_REPORTED_SERVERS, `it names at most ${MAX_REPORTED_SERVERS} servers`)
  .pipe(z.record(z.string().max(MAX_SERVER_NAME_CHARS), Reason));

/** What the harness of a cage calls: one connection at a time, from its `hello` on. */
export const harnessOperations = {
  hello: {
    summary: "Become this agent's harness. Refused while another one lives.",
    callers: ["agent"],
    input: z.object({
      protocol: z.number().int(),
      revision: z.string().max(64),
      generation: z.number().int(),
      /** Random per harness process. Leases and the spool belong to it. */
      instance: z.string().min(8).max(64),
      leases: z
        .array(z.object({ id: Id, token: z.string().max(MAX_TOKEN_CHARS) }))
        .max(MAX_LEASES)
        .default([]),
      /** True while a turn is still running (reconnect after a daemon restart). */
      busy: z.boolean().default(false),
      resident_servers: z.number().int().min(0).default(0),
    }),
    output: Assignment,
  },
  next: {
    summary: "Lease the next message for a turn, waiting for it; or be told to sleep.",
    callers: ["harness"],
    reply: "by_call",
    input: nothing,
    output: z.object({
      message: LeasedMessage.optional(),
      token: z.string().optional(),
      unread: z.number().int(),
      /** What happened in the agent's repositories since its last turn, a line each. */
      news: z.array(z.string()).optional(),
      sleep: z.boolean().optional(),
    }),
  },
  finish: {
    summary: "End the running turn: acknowledge its leases or give them back.",
    callers: ["harness"],
    input: z.object({ outcome: TurnOutcome, turn: TurnNumber }),
    output: nothing,
  },
  publish: {
    summary: "Store turn events; answers with the last n that is on stable storage.",
    callers: ["harness"],
    input: z.object({ events: z.array(SpooledEvent).max(MAX_EVENTS_PER_PUBLISH) }),
    output: z.object({ confirmed_n: z.number().int() }),
  },
  delta: { summary: "Text as it is written; live only.", callers: ["harness"], input: LiveDelta, output: nothing },
  report: {
    summary: "What the harness is doing, and its session.",
    callers: ["harness"],
    input: z.object({
      activity: z.enum(["idle", "thinking", "compacting"]).optional(),
      session_id: z.string().max(MAX_SESSION_ID_CHARS).nullable().optional(),
      context_tokens: Figure.optional(),
      context_window: Figure.optional(),
      /** Tool servers of the config that have not connected, and why. */
      servers: ServerReport.optional(),
      /** Why this harness cannot run: it ends. Shown on the agent's row until another one says hello. */
      problem: Reason.optional(),
      /** The workspace that it waits for before it takes messages. Null: they are ready. */
      workspace: WorkspaceReport.nullable().optional(),
      /** What the agent has done in its workspaces. At the end of a turn, and during it while someone looks. */
      work: WorkReport.optional(),
    }),
    output: nothing,
  },
  included: {
    summary: "The next file to copy into a fresh workspace of this agent's repository, in the order of their paths.",
    callers: ["harness"],
    /** The path of the last one. Without it the first file is meant. */
    input: z.object({ repo: RepoName, after: IncludePath.optional() }),
    output: z.object({ file: IncludedFile.optional() }),
  },
  refs: {
    summary: "The branches and tags of this agent's repository as its git lists them, for a fresh workspace.",
    callers: ["harness"],
    /** Only those whose names come after this one. */
    input: z.object({ repo: RepoName, after: z.string().max(MAX_PATH_CHARS).optional() }),
    output: z.object({
      /** Full names, in their order. A tag has the object that it names, not the commit. */
      refs: z.array(RepoRef),
      /** True if there are more: ask again with `after` the last name. */
      more: z.boolean().optional(),
    }),
  },
  confirm: {
    summary: "Confirm a generation with the nonce that only it was given, or say why it cannot run.",
    callers: ["harness"],
    input: z.object({ nonce: z.string().max(MAX_TOKEN_CHARS), refused: Reason.optional() }),
    output: nothing,
  },
} as const satisfies Record<string, Operation>;
