import { expect, test } from "vitest";
import type { Tx } from "../../store/store.ts";
import { Unread } from "./unread.ts";

function group(): { tx: Tx; fail(): void } {
  const undos: (() => void)[] = [];
  return {
    tx: { afterCommit: () => {}, onRollback: (undo) => void undos.push(undo) },
    fail: () => undos.forEach((undo) => undo()),
  };
}

test("an inbox is counted once and kept from then on", () => {
  let counts = 0;
  const unread = new Unread(() => {
    counts++;
    return 5;
  });
  expect(unread.of("a")).toBe(5);
  unread.changed(group().tx, "a", 1);
  unread.changed(group().tx, "a", -2);
  expect({ now: unread.of("a"), counts }).toEqual({ now: 4, counts: 1 });
});

test("what was counted within a group that came to nothing is counted anew", () => {
  let stored = 0;
  const unread = new Unread(() => stored);
  const { tx, fail } = group();
  stored = 1;
  unread.changed(tx, "a", 1);
  expect(unread.of("a")).toBe(1);
  stored = 0;
  fail();
  expect(unread.of("a")).toBe(0);
});
