import { HiveError } from "../../../src/wire/error.ts";
import type { OperationName } from "../../../src/wire/operations.ts";
import { EVIL, hostileHive } from "../../lib/hostile-hive.ts";
import { StubHost, type StubAnswer } from "../../lib/stub-host.ts";
import type { Place } from "../outside/place.ts";
import { verb } from "../outside/terminal.ts";
import type { OutsideRow } from "../row.ts";

/** Text of agents in the operator's terminal: what every verb of hivectl prints. */

/** Characters that steer a terminal, reorder text or hide it. */
const STEERS = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069\u200B]/;
/** What of them may not be on a terminal either, where hivectl colours its own text. */
const STEERS_ON_TERMINAL = /\u001B\]|\u0007|[\u202A-\u202E\u2066-\u2069\u200B]/;
const CLEAN = /every character is visible/;

const at = "2026-01-01T00:00:00.000Z";

/** host.sock with hostile text in every answer. */
async function hostileHost(place: Place): Promise<StubHost> {
  const { state, answers } = hostileHive();
  const host = await new StubHost().start();
  place.atEnd(() => host.dispose());
  const question = state.questions[0];
  const message = state.messages[0];
  host.answers = {
    ...(answers as Partial<Record<OperationName, StubAnswer>>),
    // The schema of branches lets nothing hostile through.
    state: { state: { ...state, repos: [], changes: [] } },
    pending: { approvals: [] },
    messages: { messages: state.messages },
    inbox: { messages: state.messages, unread: 3, read_up_to: 0 },
    mark_read: { unread: 0 },
    message: { message },
    questions: { questions: state.questions },
    question: { question },
    sessions: { sessions: [{ id: 1, created_at: at, last_seen_at: at, user_agent: EVIL, operator: "operator" }] },
    audit: { entries: [{ seq: 9, at, actor: "operator", kind: "approved", agent: "ada", reason: EVIL, detail: { by: EVIL } }] },
    build_log: { lines: [EVIL], position: 1 },
    logs: { lines: [EVIL], position: 1 },
    change_log: { lines: [EVIL], position: 1 },
    show_file: { text: `+${EVIL}\n` },
    change_file: { text: `+${EVIL}\n` },
    kill: new HiveError("conflict", EVIL),
  };
  return host;
}

let hosts: WeakMap<Place, Promise<StubHost>> | undefined;
function hostOf(place: Place): Promise<StubHost> {
  hosts ??= new WeakMap();
  const known = hosts.get(place) ?? hostileHost(place);
  hosts.set(place, known);
  return known;
}

const row = (id: string, words: string, run: OutsideRow<Place>["run"]): OutsideRow<Place> => ({
  from: "socket",
  id: `terminal-${id}`,
  attempt: `steer the operator's terminal through ${words}`,
  barrier: "unseen characters are written out",
  refusal: CLEAN,
  run,
});

/** Runs verbs. Reached if one prints a character that steers; each has to print the text itself. */
function verbs(id: string, words: string, lines: readonly string[]): OutsideRow<Place> {
  return row(id, words, async (place) => {
    const host = await hostOf(place);
    for (const line of lines) {
      const { said } = await verb(host.socket, line.split(" "));
      const steers = STEERS.exec(said);
      if (steers) return `${line}: ${JSON.stringify(said.slice(Math.max(0, steers.index - 40), steers.index + 40))}`;
      if (!said.includes("https://evil")) throw new Error(`${line} does not print the text: ${said.slice(0, 200)}`);
    }
    throw new Error("every character is visible");
  });
}

export const terminalRows: readonly OutsideRow<Place>[] = [
  verbs("agents", "the status and the reasons of agents", ["status", "list --long", "status --json"]),
  verbs("messages", "messages", ["messages", "inbox", "message 60", "messages --json"]),
  verbs("questions", "questions", ["questions", "question 17"]),
  verbs("requests", "requests and their diffs", ["requests", "show 42", "show 42 --file x", "show 42 --json"]),
  verbs("changes", "changes, their diffs and their comments", ["change list", "change show 12", "change show 12 --file x"]),
  verbs("logs", "logs of agents, builds and checks", ["logs hm1nd", "build-log 42", "change log 12"]),
  verbs("records", "the audit trail, deploys, sessions and the config of an agent", [
    "audit",
    "deploys hm1nd",
    "sessions",
    "config hm1nd",
  ]),
  verbs("turns", "turns and what tools print", ["turns hm1nd", "tail hm1nd --no-follow"]),
  verbs("errors", "the refusal of a verb", ["kill hm1nd"]),
  {
    ...row("short-commit", "", async (place) => {
      const host = await hostOf(place);
      const shown = await hostileHive().answers.show?.({ id: 42 });
      const { code, err } = await verb(host.socket, ["approve", "42", "--sha", (shown?.approval.sha ?? "").slice(0, 7)]);
      return code === 0 ? "it is approved" : Promise.reject(new Error(err));
    }),
    attempt: "make a commit with the first seven digits of the one that the operator approves by them",
    barrier: "a commit is approved by at least twelve digits",
    refusal: /12 to 40 hex digits/,
  },
  row("colours", "a diff on a real terminal, where hivectl writes its own colours", async (place) => {
    const host = await hostOf(place);
    for (const words of [["show", "42"], ["change", "show", "12"], ["status"]]) {
      const { out } = await host.onTerminal([], ...words);
      const steers = STEERS_ON_TERMINAL.exec(out);
      if (steers) return `${words.join(" ")}: ${JSON.stringify(out.slice(Math.max(0, steers.index - 40), steers.index + 40))}`;
      if (!out.includes("https://evil")) throw new Error(`${words.join(" ")} does not print the text: ${out.slice(0, 200)}`);
    }
    throw new Error("every character is visible");
  }),
];
