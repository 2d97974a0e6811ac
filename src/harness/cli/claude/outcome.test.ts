import type { SDKResultMessage } from "@anthropic-ai/claude-agent-sdk";
import { expect, test } from "vitest";
import type { TurnEnd } from "../../../wire/turn-ends.ts";
import { NO_FIGURES } from "../port.ts";
import { endOf, type TurnFacts } from "./outcome.ts";
import { startFailure } from "./start-failure.ts";

/** The fields of a CLI result (2.1.330) that the code reads. */
function result(fields: object): SDKResultMessage {
  return {
    type: "result",
    subtype: "success",
    is_error: true,
    result: "words",
    terminal_reason: "api_error",
    api_error_status: null,
    ...fields,
  } as SDKResultMessage;
}
const facts = (more: Partial<TurnFacts> = {}): TurnFacts => ({ fresh: false, answered: false, apiError: undefined, ...more });

test.each<[string, object, Partial<TurnFacts>, TurnEnd]>([
  ["a successful turn", { is_error: false, terminal_reason: "completed" }, {}, "ok"],
  [
    "words of a model about a prompt",
    { is_error: false, terminal_reason: "completed", result: "your prompt is too long" },
    {},
    "ok",
  ],
  ["an interrupt", { terminal_reason: "aborted_tools" }, {}, "interrupted"],
  ["too long, by its reason", { terminal_reason: "prompt_too_long" }, {}, "prompt_too_long"],
  ["too large", { api_error_status: 413, terminal_reason: "image_error" }, {}, "prompt_too_long"],
  ["a rate limit", { api_error_status: 429 }, {}, "rate_limited"],
  ["a bad key", { api_error_status: 401 }, { apiError: "authentication_failed" }, "needs_login"],
  ["an account on hold", { api_error_status: 400 }, { apiError: "account_on_hold" }, "needs_login"],
  ["no credit, by the API's error", { api_error_status: 400 }, { apiError: "billing_error" }, "billing"],
  ["no credit, by status", { api_error_status: 402 }, {}, "billing"],
  ["an overload", { api_error_status: 529 }, {}, "upstream"],
  ["a cut connection", {}, {}, "upstream"],
  ["an unknown model", { api_error_status: 404 }, { apiError: "model_not_found", fresh: false }, "config"],
  [
    "a refusal of the gateway",
    { api_error_status: 400, result: "API Error: 400 hyperhive: the model x is not this agent's" },
    {},
    "config",
  ],
  ["a refused history", { api_error_status: 400 }, {}, "session_refused"],
  ["an image in the history", { terminal_reason: "image_error" }, {}, "session_refused"],
  ["a refused first request", { api_error_status: 400 }, { fresh: true }, "config"],
  ["a refusal of what the turn added", { api_error_status: 400 }, { fresh: true, answered: true }, "failed"],
  ["an error inside the CLI", { subtype: "error_during_execution", errors: ["boom"], terminal_reason: undefined }, {}, "failed"],
  ["too many turns", { subtype: "error_max_turns", errors: [], terminal_reason: "max_turns" }, {}, "failed"],
])("%s", (_, fields, known, kind) => {
  expect(endOf(result(fields), NO_FIGURES, facts(known)).kind).toBe(kind);
});

test.each<[string, Parameters<typeof startFailure>[0], TurnEnd]>([
  ["arguments that are too long", { code: "E2BIG", words: "spawn E2BIG", resuming: false }, "config"],
  ["no memory", { code: "ENOMEM", words: "spawn ENOMEM", resuming: true }, "machine"],
  ["no program", { code: "ENOENT", words: "not found", resuming: false }, "machine"],
  ["a lost session", { code: undefined, words: "No conversation found with session ID: x", resuming: true }, "session_lost"],
  [
    "a session that is not a file",
    { code: undefined, words: "Failed to resume session: EISDIR", resuming: true },
    "session_lost",
  ],
  ["the same words without a session to resume", { code: undefined, words: "No conversation found", resuming: false }, "machine"],
  ["servers that the CLI refuses", { code: undefined, words: "Error: Invalid MCP configuration", resuming: false }, "config"],
  [
    "a broken state file",
    { code: undefined, words: "Configuration error in .claude.json: JSON Parse error", resuming: true },
    "machine",
  ],
])("a failed start: %s", (_, failure, kind) => {
  expect(startFailure(failure).kind).toBe(kind);
});
