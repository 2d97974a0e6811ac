import { expect, test } from "vitest";
import { checkOwnLock } from "./own-lock.ts";
import { parseLock, type Lock } from "./lock-file.ts";

type Nodes = Lock["nodes"];
const at = (rev: string, inputs: Nodes[string]["inputs"] = {}): Nodes[string] => ({ locked: { type: "git", rev }, inputs });
const lock = (nodes: Nodes): Lock => ({ version: 7, root: "root", nodes });
/** The lock of a hive whose agent scout has these nodes below its input. */
const hive = (inputs: Nodes[string]["inputs"], nodes: Nodes): Lock =>
  lock({ root: { inputs: { "agent-scout": "scout", other: "z" } }, scout: at("s", inputs), z: at("z"), ...nodes });
const check = (own: Lock | undefined, made: Lock): void => checkOwnLock("scout", own && JSON.stringify(own), made);

const made = hive({ more: "more_2" }, { more_2: at("1", { deep: "d", self: ["agent-scout", "more"] }), d: at("2") });
const own = (nodes: Nodes): Lock => lock({ root: { inputs: { more: "more" } }, ...nodes });

test("a lock that fits names the same commits, whatever its nodes are called and its inputs follow", () => {
  expect(() => check(own({ more: at("1", { deep: "deep", self: ["more"] }), deep: at("2") }), made)).not.toThrow();
  expect(() => check(undefined, made)).not.toThrow();
});

test.each<[string, Nodes, string]>([
  ["another commit", { more: at("9", { deep: "deep", self: ["more"] }), deep: at("2") }, "more"],
  ["another commit of an input's input", { more: at("1", { deep: "deep", self: ["more"] }), deep: at("9") }, "more/deep"],
  ["an input's input less", { more: at("1", { self: ["more"] }) }, "more/deep"],
  ["an input's input more", { more: at("1", { deep: "deep", self: ["more"], x: "deep" }), deep: at("2") }, "more/x"],
  ["an input of its own for one that follows", { more: at("1", { deep: "deep", self: "deep" }), deep: at("2") }, "more/self"],
])("a lock with %s does not fit", (_, nodes, input) => {
  expect(() => check(own(nodes), made)).toThrow(`the input ${input} is locked otherwise`);
});

test("a lock whose nodes are in a circle is compared once", () => {
  const circle = at("1", { more: "more_2" });
  const round = hive({ more: "more_2" }, { more_2: circle });
  expect(() => check(own({ more: { ...circle, inputs: { more: "more" } } }), round)).not.toThrow();
});

test("locks that would take long to compare are refused", () => {
  // Two circles of the same commit, whose lengths have no common divisor.
  const circle = (length: number): Nodes =>
    Object.fromEntries(
      Array.from({ length }, (_, n) => [n === 0 ? "more" : `n${n}`, at("1", { next: n === length - 1 ? "more" : `n${n + 1}` })]),
    );
  expect(() => check(own(circle(211)), hive({ more: "more" }, circle(199)))).toThrow("more than 10000 inputs");
});

test("what is no lock is refused", () => {
  expect(() => checkOwnLock("scout", "{", made)).toThrow("flake.lock cannot be read");
  expect(() => checkOwnLock("scout", '{"version":7,"root":"a","nodes":{}}', made)).toThrow("flake.lock has no root");
  expect(() => parseLock(JSON.stringify(made))).not.toThrow();
});
