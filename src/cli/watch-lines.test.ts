import { expect, test } from "vitest";
import type { AgentView } from "../wire/agent.ts";
import type { MessageView } from "../wire/message.ts";
import { painter } from "./print.ts";
import { WatchLines } from "./watch-lines.ts";

const at = "2026-01-01T00:00:00.000Z";
const look = (width = Infinity) => new WatchLines({ paint: painter(false), width });
const agent = (more: Partial<AgentView>) => ({
  kind: "agent" as const,
  agent: { name: "ada", state: "thinking", ...more } as AgentView,
});
const message = (more: Partial<MessageView>) => ({
  kind: "message" as const,
  seq: 7,
  message: { id: 7, from: "ada", to: "bob", body: "look\nat this", state: "leased", created_at: at, ...more } as MessageView,
});

test("an agent is reported when its activity changes, not when a figure counts up", () => {
  const lines = look();
  expect(lines.of(agent({}))).toBe("ada thinking");
  expect(lines.of(agent({ tokens_today: 5 }))).toBe("");
  expect(lines.of(agent({ status_text: "reads" }))).toBe("ada thinking: reads");
  expect(lines.of(agent({ state: "idle", asleep: true, status_text: "reads" }))).toBe("ada asleep: reads");
  expect(lines.of(agent({ name: "bob", state: "idle" }))).toBe("bob idle");
});

test("a message is reported with its state, and events of the daemon are put into words", () => {
  expect(look().of(message({}))).toBe("ada → bob #7 in turn: look at this");
  expect(look().of(message({ state: "done" }))).toBe("ada → bob #7 done: look at this");
  expect(look(24).of(message({ state: "queued" }))).toBe("ada → bob #7 queued:\n  look at this");
  expect(look().of(message({ body: "\u001B[2Jx\u202Ey" }))).toBe("ada → bob #7 in turn: ␛[2Jx⟨U+202E⟩y");
});
