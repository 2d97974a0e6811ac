import { expect, test } from "vitest";
import type { Tx } from "../store/store.ts";
import { InboxLists } from "./inbox-lists.ts";

/** A group of writes that can fail. Undoes them as the writer does: last first. */
function group(): { tx: Tx; fail(): void } {
  const undos: (() => void)[] = [];
  return {
    tx: { afterCommit: () => {}, onRollback: (undo) => void undos.push(undo) },
    fail: () => undos.reverse().forEach((undo) => undo()),
  };
}

test("a returned message keeps its position, before later ones", () => {
  const lists = new InboxLists([
    { recipient: "a", id: 3 },
    { recipient: "b", id: 4 },
    { recipient: "a", id: 7 },
  ]);
  const { tx } = group();
  lists.remove(tx, "a", 3);
  lists.add(tx, "a", 9);
  expect({ first: lists.first("a"), last: lists.last("a"), count: lists.count("a"), other: lists.ids("b") }).toEqual({
    first: 7,
    last: 9,
    count: 2,
    other: [4],
  });
  lists.add(tx, "a", 3);
  expect(lists.ids("a")).toEqual([3, 7, 9]);
  expect({ nothing: lists.first("c"), none: lists.count("c"), empty: lists.ids("c") }).toEqual({
    nothing: undefined,
    none: 0,
    empty: [],
  });
});

test("a group that fails leaves every queue unchanged", () => {
  const lists = new InboxLists([
    { recipient: "a", id: 1 },
    { recipient: "a", id: 2 },
  ]);
  const { tx, fail } = group();
  lists.add(tx, "a", 5);
  lists.remove(tx, "a", 1);
  lists.remove(tx, "a", 2);
  lists.remove(tx, "a", 5);
  lists.add(tx, "b", 6);
  fail();
  expect([lists.ids("a"), lists.ids("b")]).toEqual([[1, 2], []]);
});
