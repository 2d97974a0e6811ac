import { expect, test } from "vitest";
import { Slots } from "./slots.ts";

const never = new AbortController().signal;

/** Work that ends when it is told to. */
function held(started: string[], name: string) {
  const end = Promise.withResolvers<void>();
  return {
    end: end.resolve,
    fail: end.reject,
    work: async (): Promise<string> => {
      started.push(name);
      await end.promise;
      return name;
    },
  };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("so much runs at once, and one caller leaves room for the others", async () => {
  const slots = new Slots({ most: 3, mostPerKey: 2 });
  const started: string[] = [];
  const [a1, a2, a3, b1, b2] = ["a1", "a2", "a3", "b1", "b2"].map((name) => held(started, name));
  const results = [a1, a2, a3].map((one) => slots.run("a", never, one?.work ?? (async () => "")));
  const others = [b1, b2].map((one) => slots.run("b", never, one?.work ?? (async () => "")));
  await turn();
  expect(started).toEqual(["a1", "a2", "b1"]);
  a1?.fail(new Error("broken"));
  await expect(results[0]).rejects.toThrow("broken");
  await turn();
  expect(started).toEqual(["a1", "a2", "b1", "a3"]);
  for (const one of [a2, a3, b1, b2]) one?.end();
  expect(await Promise.all([...results.slice(1), ...others])).toEqual(["a2", "a3", "b1", "b2"]);
});

test("work whose caller has gone is not started, and holds nobody up", async () => {
  const slots = new Slots({ most: 1, mostPerKey: 1 });
  const started: string[] = [];
  const first = held(started, "first");
  const running = slots.run("a", never, first.work);
  const gone = new AbortController();
  const waiting = slots.run("a", gone.signal, held(started, "gone").work);
  const last = slots.run("b", never, async () => void started.push("last"));
  gone.abort(new Error("the client has gone"));
  await expect(waiting).rejects.toThrow("the client has gone");
  await expect(slots.run("a", gone.signal, async () => {})).rejects.toThrow("the client has gone");
  first.end();
  await running;
  await last;
  expect(started).toEqual(["first", "last"]);
});

test("what would wait behind too much is refused, and there is room again once some of it has run", async () => {
  const full = (key: string): Error => new Error(`too much waits for ${key}`);
  const slots = new Slots({ most: 1, mostPerKey: 1, waiting: { most: 3, mostPerKey: 2, full } });
  const started: string[] = [];
  const first = held(started, "first");
  const all = [slots.run("a", never, first.work)];
  const next = (key: string): Promise<string> => slots.run(key, never, async () => key);
  all.push(next("a"), next("a"));
  await expect(next("a")).rejects.toThrow("too much waits for a");
  all.push(next("b"));
  await expect(next("c")).rejects.toThrow("too much waits for c");
  first.end();
  expect(await Promise.all(all)).toEqual(["first", "a", "a", "b"]);
  expect(await next("c")).toBe("c");
});
