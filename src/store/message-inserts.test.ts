import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import { newMessage, type MessageRow } from "./messages.ts";
import type { Store } from "./store.ts";

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "inserts-"));
  store = openStoreIn(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const message = (id: number, extra: Partial<MessageRow> = {}): MessageRow =>
  newMessage(id, 1000 + id, { sender: "a", recipient: `to-${id % 3}`, body: `body ${id}`, ...extra });

/** Queues a write that inserts a message and then runs `more`. */
function inserting(row: MessageRow, more?: () => unknown): Promise<unknown> {
  return store.write(() => {
    store.messages.insert(row);
    return more?.();
  });
}

const ids = (): number[] =>
  store.messages
    .newest(Number.MAX_SAFE_INTEGER, 1000)
    .map(({ id }) => id)
    .reverse();

test("a group of any size is stored unchanged, with plain and other messages", async () => {
  let id = 0;
  const rows: MessageRow[] = [];
  for (let size = 1; size <= 40; size++) {
    const group = Array.from({ length: size }, () => {
      id++;
      if (id % 5 === 0) return message(id, { state: "done" });
      return message(id, id % 7 === 0 ? { client_id: `c${id}`, in_reply_to: 1, state: "held", reason: "long" } : {});
    });
    rows.push(...group);
    await Promise.all(group.map((row) => inserting(row)));
  }
  expect(rows.map((row) => store.messages.byId(row.id))).toEqual(rows);
});

test("the messages of a sender since a time are counted, also those of the running group", async () => {
  await inserting(message(1));
  await inserting(message(2, { sender: "b" }));
  const counts = await inserting(message(3), () => ["a", "b"].map((who) => store.messages.sentSince(who, 1002)));
  expect(counts).toEqual([1, 1]);
  expect(await inserting(message(4), () => store.messages.sentSince("a", 0))).toBe(3);
});

test("every query inside the group sees deferred rows", async () => {
  const seen: Record<string, unknown> = {};
  let next = 1;
  const sees = (what: string, look: () => unknown): Promise<unknown> =>
    inserting(message(next++, { recipient: "operator" }), () => void (seen[what] = look()));
  const { messages } = store;
  await Promise.all([
    sees("byId", () => messages.byId(1)?.id),
    sees("queued", () => messages.queued().length),
    sees("newest", () => messages.newest(99, 99).length),
    sees("newestOf", () => messages.newestOf("a", 99, 99).length),
    sees("newestToOperator", () => messages.newestToOperator(99, 99).length),
    sees("sentBetween", () => messages.sentBetween("a", 0, 99, 99).length),
    sees("toOperatorAfter", () => messages.toOperatorAfter(0)),
    sees("changedAfter", () => messages.changedAfter(0, 99, 999)?.length),
    sees("newestSeq", () => messages.newestSeq()),
    sees("takeIn", () => store.search.takeIn(0, 99).count),
    sees("change", () => messages.change(message(11), 100, 5, { state: "dropped" }).state),
    sees("prune", () => messages.prune(10)),
  ]);
  expect(seen).toEqual({
    byId: 1,
    queued: 2,
    newest: 3,
    newestOf: 4,
    newestToOperator: 5,
    sentBetween: 6,
    toOperatorAfter: 7,
    changedAfter: 8,
    newestSeq: 9,
    takeIn: 10,
    change: "dropped",
    prune: 1,
  });
  expect(messages.byId(11)).toMatchObject({ state: "dropped", seq: 100, body: null });
});

test("a turn knows the sender of a message that is deferred in the same group", async () => {
  const turn = { type: "turn_start", turn: 1, message_id: 1 } as never;
  let listed: unknown;
  await inserting(message(1), () => {
    store.turns.append("a", "a", "i", [{ n: 1, at: new Date(0).toISOString(), event: turn }], () => 2);
    listed = store.turns.list("a", 99, 9);
  });
  expect(listed).toMatchObject([{ turn: 1, message: 1, sender: "a" }]);
});

test("a write that fails after it deferred a message is undone alone", async () => {
  const group = [
    inserting(message(1)),
    inserting(message(2), () => {
      throw new Error("no");
    }),
    inserting(message(3)),
  ];
  expect((await Promise.allSettled(group)).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(ids()).toEqual([1, 3]);
});

test("a row that the database refuses fails its own write, whenever the error appears", async () => {
  await inserting(message(2));
  const group = [inserting(message(1)), inserting(message(2)), inserting(message(3)), inserting(message(4), ids)];
  expect((await Promise.allSettled(group)).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
  const last = [inserting(message(5)), inserting(message(5)), inserting(message(6))];
  expect((await Promise.allSettled(last)).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(ids()).toEqual([1, 2, 3, 4, 5, 6]);
});

test("rows that a failed write deferred are not stored with the next write", async () => {
  const failing = inserting(message(1), () => {
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  await inserting(message(2));
  expect(ids()).toEqual([2]);
});

test("a write whose deferred row is refused is answered once, with its failure", async () => {
  await inserting(message(1));
  const answers: string[] = [];
  const answered = (name: string) =>
    new Promise<void>((resolve) => {
      const answer = (how: string) => (): void => {
        answers.push(`${name} ${how}`);
        resolve();
      };
      store.writing(() => store.messages.insert(message(name === "twice" ? 1 : 2)))(answer("done"), answer("failed"));
    });
  await Promise.all([answered("twice"), answered("new")]);
  expect(answers).toEqual(["twice failed", "new done"]);
});
