import { describe, expect, test } from "vitest";
import { anAgent, anApproval, aQuestion, aState, diffFiles } from "../../../test/lib/fixtures.ts";
import { MAX_QUESTION_CHARS } from "../../wire/limits.ts";
import type { AgentView } from "../../wire/agent.ts";
import type { StateSnapshot } from "../../wire/event.ts";
import { Keys } from "./keys.ts";
import { itemsOf } from "./model.ts";
import { press, refused, seen, withDiff, type Effect, type Ui } from "./press.ts";

const keysIn = (text: string): string[] => new Keys().read(text);
const agent = (name: string, more: Partial<AgentView> = {}): AgentView =>
  anAgent(name, { state: "idle", url: `http://127.0.0.1:7000/agent/${name}`, ...more });
const world = (more: Partial<StateSnapshot> = {}, ada: Partial<AgentView> = {}): StateSnapshot =>
  aState({
    agents: [agent("hm1nd", { role: "manager" }), agent("ada", ada), agent("bob")],
    approvals: [],
    questions: [],
    ...more,
  });

/** Presses keys one after the other. Returns the effects and the final screen state. */
function type(keys: string, state: StateSnapshot, ui: Ui = {}): { ui: Ui; effects: Effect[] } {
  const effects: Effect[] = [];
  for (const key of keysIn(keys)) {
    const after = press(ui, key, state);
    ui = after.ui;
    if (after.effect) effects.push(after.effect);
  }
  return { ui, effects };
}
/** The state after the pane was drawn with so many lines below the screen. */
const drawn = (ui: Ui, below: number): Ui => (ui.pane ? { ...ui, pane: seen(ui.pane, 0, below) } : ui);
const ADA: Ui = { selected: "agent ada" };

test("escape sequences become key names, and unknown sequences are dropped", () => {
  expect(keysIn("\u001B[A\u001BOBjq\u001B[5~\u001B[1;5C\r")).toEqual(["up", "down", "j", "q", "page up", "enter"]);
  expect(keysIn("\u001B")).toEqual(["escape"]);
});

test("a pasted text is one key, also in parts", () => {
  const keys = new Keys();
  expect(keys.read("a\u001B[200~sy\r")).toEqual(["a"]);
  expect(keys.read("q\u001B[201~j")).toEqual(["paste:sy\rq", "j"]);
  // Where nothing is typed it does nothing.
  expect(type("\u001B[200~sy\r\u001B[201~", world(), ADA)).toEqual({ ui: ADA, effects: [] });
});

test("waiting items have the order of the page, and `a` without a selected request takes the first", () => {
  const state = world({
    approvals: [anApproval({ id: 12, agent: "cy" }), anApproval({ id: 13, agent: "new", kind: "spawn" })],
    questions: [aQuestion("which?", { id: 11 })],
  });
  expect(itemsOf(state).map(({ key }) => key)).toEqual([
    "agent hm1nd",
    "agent ada",
    "agent bob",
    "request 13",
    "request 12",
    "question 11",
  ]);
  expect(type("a", state, ADA).ui.pane).toMatchObject({ kind: "approve", request: { id: 13 } });
});

test("the selection moves over agents and waiting items, stops at the ends, and follows its item", () => {
  const state = world({ approvals: [anApproval({ id: 12, agent: "ada" })], questions: [aQuestion("which?", { id: 17 })] });
  expect(type("j", state).ui.selected).toBe("agent ada");
  expect(type("jjj", state).ui.selected).toBe("request 12");
  expect(type("G", state).ui.selected).toBe("question 17");
  expect(type("GjjkA", state).ui.selected).toBe("request 12");
  expect(type("Gg\u001B[A", state).ui.selected).toBe("agent hm1nd");
  // Another agent fails and moves to the top.
  const later = world({ agents: [...world().agents, anAgent("zoe", { state: "failed" })] });
  expect(type("j", later, ADA).ui.selected).toBe("agent bob");
});

describe("keys for the selected agent", () => {
  test.each<[string, Partial<AgentView>, Effect]>([
    ["cy", { state: "thinking" }, { do: "cancel", agent: "ada" }],
    ["sy", { state: "idle" }, { do: "stop", agent: "ada" }],
    ["S", { state: "offline", running: false }, { do: "start", agent: "ada" }],
    ["p", {}, { do: "pause", agent: "ada" }],
    ["p", { state: "paused", paused: true }, { do: "resume", agent: "ada" }],
    ["t", {}, { do: "tail", agent: "ada" }],
  ])("%s", (keys, ada, effect) => {
    expect(type(keys, world({}, ada), ADA)).toMatchObject({ effects: [effect], ui: { selected: "agent ada" } });
    // The same from the details pane.
    expect(type(`\r${keys}`, world({}, ada), ADA).effects).toEqual([effect]);
  });

  test.each(["sn", "s\u001B", "sq", "s\r", "cn"])("%j does nothing: only y is a yes", (keys) => {
    const { ui, effects } = type(keys, world({}, { state: "thinking" }), ADA);
    expect(effects).toEqual([]);
    expect(ui).toEqual({ selected: "agent ada", notice: { words: "nothing is changed", isError: false } });
  });

  test.each<[string, Partial<AgentView>, string]>([
    ["c", { state: "idle" }, "ada has no turn running"],
    ["s", { state: "offline", running: false, state_reason: undefined }, "ada is stopped already"],
    ["S", { running: true }, "ada runs already"],
    ["a", {}, "nothing waits for approval"],
  ])("%s reports when it has nothing to do", (key, ada, words) => {
    expect(type(key, world({}, ada), ADA)).toMatchObject({ effects: [], ui: { notice: { words } } });
  });
});

describe("a approves", () => {
  const first = anApproval({ id: 11, agent: "bob" });
  const second = anApproval({ id: 12, agent: "ada" });
  const state = world({ approvals: [first, second] });

  test.each([
    ["the selected request", "request 12", second],
    ["the one that waits for the selected agent", "agent ada", second],
    ["else the oldest", "agent hm1nd", first],
  ])("%s, once its whole diff was on the screen and y is pressed", (_what, selected, request) => {
    const asked = type("a", state, { selected });
    expect(asked.effects).toEqual([{ do: "look", id: request.id }]);
    expect(asked.ui.pane).toMatchObject({ kind: "approve", request });
    const open = drawn(withDiff(asked.ui, { approval: request, files: diffFiles(), cut: false }), 0);
    expect(type("jjy", state, open)).toMatchObject({ effects: [{ do: "approve", request }] });
    expect(type("n", state, open)).toMatchObject({ effects: [], ui: { notice: { words: "nothing is changed" } } });
  });

  test("nothing while lines of the diff were not on the screen", () => {
    const asked = type("a", state, { selected: "request 12" });
    // Nothing has arrived.
    expect(type("y", state, asked.ui)).toMatchObject({ effects: [], ui: { pane: { kind: "approve" } } });
    const arrived = withDiff(asked.ui, { approval: second, files: diffFiles(), cut: false });
    expect(type("y", state, arrived).effects).toEqual([]);
    const begun = drawn(arrived, 5);
    expect(type("y", state, begun)).toMatchObject({ effects: [], ui: { pane: { kind: "approve" } } });
    // Read to the end once, then scrolled back.
    expect(type("gy", state, drawn(drawn(begun, 0), 5)).effects).toEqual([{ do: "approve", request: second }]);
  });

  test("the diff of another request does not take its place", () => {
    const asked = type("a", state, { selected: "request 12" });
    expect(withDiff(asked.ui, { approval: first, files: [], cut: false })).toEqual(asked.ui);
  });

  test("what was shown, even if the request changed meanwhile", () => {
    const asked = type("a", state, { selected: "request 12" });
    const open = drawn(withDiff(asked.ui, { approval: second, files: [], cut: false }), 0);
    const changed = world({ approvals: [{ ...second, digest: "e".repeat(64) }] });
    expect(type("y", changed, open).effects).toEqual([{ do: "approve", request: second }]);
  });

  test("no request that is already decided", () => {
    const building = world({ approvals: [{ ...second, state: "building" }] });
    expect(type("a", building, { selected: "request 12" }).ui.notice?.words).toBe("#12 is building already");
  });
});

describe("a text is typed", () => {
  const question = aQuestion("which?", { id: 17, agent: "ada", options: ["one", "two"] });
  const request = anApproval({ id: 12, agent: "bob" });
  const state = world({ approvals: [request], questions: [question] });
  const asked: Ui = { selected: "question 17" };
  const answer = (text: string) => ({ do: "write", to: { kind: "answer", question }, text });

  test("a answers the selected question: letters that move or act are text, Enter sends it", () => {
    expect(type("ajust go, kay?\r", state, asked)).toEqual({ ui: asked, effects: [answer("just go, kay?")] });
    expect(type("\ra2\r", state, asked).effects).toEqual([answer("2")]);
    expect(type("aé🐝x\u007F\u007F\r", state, asked).effects).toEqual([answer("é")]);
    expect(type("awrong\u0015right\r", state, asked).effects).toEqual([answer("right")]);
    expect(type("a\u001B[200~one\r\ntwo\u0007\u001B[201~!\r", state, asked).effects).toEqual([answer("one\ntwo!")]);
  });

  test("an empty answer is not sent, Escape sends nothing, Ctrl-C quits, and a text has its limit", () => {
    expect(type("a \r", state, asked)).toMatchObject({ effects: [], ui: { pane: { kind: "type" } } });
    expect(type("ayes\u001B", state, asked)).toMatchObject({ effects: [], ui: { notice: { words: "nothing is changed" } } });
    expect(type("ayes\u0003", state, asked).effects).toEqual([{ do: "quit" }]);
    const long = "x".repeat(MAX_QUESTION_CHARS);
    expect(type(`a\u001B[200~${long}\u001B[201~y\r`, state, asked).effects).toEqual([answer(long)]);
  });

  test.each([
    ["the selected request", "request 12"],
    ["that of the selected agent", "agent bob"],
    ["else the first", "agent ada"],
  ])("d denies %s, with a note or without", (_what, selected) => {
    const deny = (text: string) => ({ do: "write", to: { kind: "deny", request }, text });
    expect(type("dnot now\r", state, { selected }).effects).toEqual([deny("not now")]);
    expect(type("d\r", state, { selected }).effects).toEqual([deny("")]);
    expect(type("d\u001B", state, { selected }).effects).toEqual([]);
  });

  test("nothing is denied that is decided, or where nothing waits", () => {
    const building = world({ approvals: [{ ...request, state: "building" }] });
    expect(type("d", building, { selected: "request 12" }).ui.notice?.words).toBe("#12 is building already");
    expect(type("d", world(), ADA)).toMatchObject({ effects: [], ui: { notice: { words: "nothing waits for approval" } } });
  });

  test("a text that is refused comes back with the reason, unless something else is asked by now", () => {
    const effect = { do: "write" as const, to: { kind: "answer" as const, question }, text: "three" };
    expect(refused(asked, effect, "it is closed")).toEqual({
      selected: "question 17",
      pane: { kind: "type", to: effect.to, text: "three", problem: "it is closed", skip: 0 },
    });
    expect(refused(type("s", state, ADA).ui, effect, "it is closed")).toBeUndefined();
  });
});

test("Enter, o and ? open panes; Escape and q close them; then q quits", () => {
  const state = world({ approvals: [anApproval({ id: 12, agent: "ada" })] });
  expect(type("\r", state, ADA).ui.pane).toMatchObject({ kind: "item", item: { key: "agent ada" } });
  expect(type("o", state, ADA).ui.pane).toMatchObject({ kind: "words", words: agent("ada").url });
  expect(type("o", state, { selected: "request 12" }).ui.pane).toMatchObject({
    words: "http://127.0.0.1:7000/approval/12",
  });
  for (const opened of ["\r", "o", "?"]) {
    expect(type(`${opened}q`, state, ADA)).toEqual({ ui: { selected: "agent ada" }, effects: [] });
    expect(type(`${opened}jj\u001B`, state, ADA)).toEqual({ ui: { selected: "agent ada" }, effects: [] });
    expect(type(`${opened}\u0003`, state, ADA).effects).toEqual([{ do: "quit" }]);
  }
  expect(type("q", state).effects).toEqual([{ do: "quit" }]);
});
