import { expect, test } from "vitest";
import type { Tx } from "../../store/store.ts";
import { Queues } from "./queues.ts";

/** A group of writes that can come to nothing, as the writer undoes one: the last first. */
function group(): { tx: Tx; fail(): void } {
  const undos: (() => void)[] = [];
  return {
    tx: { afterCommit: () => {}, onRollback: (undo) => void undos.push(undo) },
    fail: () => undos.reverse().forEach((undo) => undo()),
  };
}

test("what comes back stands where it stood, before what came later", () => {
  const queues = new Queues([
    { recipient: "a", id: 3 },
    { recipient: "b", id: 4 },
    { recipient: "a", id: 7 },
  ]);
  const { tx } = group();
  queues.remove(tx, "a", 3);
  queues.add(tx, "a", 9);
  expect({ first: queues.first("a"), count: queues.count("a"), other: queues.ids("b") }).toEqual({
    first: 7,
    count: 2,
    other: [4],
  });
  queues.add(tx, "a", 3);
  expect(queues.ids("a")).toEqual([3, 7, 9]);
  expect({ nothing: queues.first("c"), none: queues.count("c"), empty: queues.ids("c") }).toEqual({
    nothing: undefined,
    none: 0,
    empty: [],
  });
});

test("a group that comes to nothing leaves every queue as it was", () => {
  const queues = new Queues([
    { recipient: "a", id: 1 },
    { recipient: "a", id: 2 },
  ]);
  const { tx, fail } = group();
  queues.add(tx, "a", 5);
  queues.remove(tx, "a", 1);
  queues.remove(tx, "a", 2);
  queues.remove(tx, "a", 5);
  queues.add(tx, "b", 6);
  fail();
  expect([queues.ids("a"), queues.ids("b")]).toEqual([[1, 2], []]);
});
