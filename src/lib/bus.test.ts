import { beforeEach, expect, test } from "vitest";
import { Bus } from "./bus.ts";

interface Events {
  ended: string;
  changed: number;
}

let bus: Bus<Events>;
let unexpected: unknown[];
let log: string[];

beforeEach(() => {
  unexpected = [];
  log = [];
  bus = new Bus<Events>((error) => void unexpected.push(error));
});

test("an event reaches its subscribers at once, in the order of their subscription, and no others", () => {
  bus.on("ended", (who) => void log.push(`first ${who}`));
  bus.on("ended", async (who) => void log.push(`second ${who}`));
  bus.on("changed", (n) => void log.push(`changed ${n}`));
  bus.emit("ended", "ada");
  expect(log).toEqual(["first ada", "second ada"]);
});

test.each<[string, () => never | Promise<never>]>([
  [
    "throws",
    () => {
      throw new Error("broken");
    },
  ],
  ["rejects", () => Promise.reject(new Error("broken"))],
])("a subscriber that %s is reported and does not keep the event from the others", async (_, fail) => {
  bus.on("ended", fail);
  bus.on("ended", (who) => void log.push(who));
  bus.emit("ended", "ada");
  await bus.emitAndWait("ended", "bob");
  expect(log).toEqual(["ada", "bob"]);
  expect(unexpected).toMatchObject([{ message: "broken" }, { message: "broken" }]);
});

test("emitAndWait resolves when every subscriber has finished, also after one has failed", async () => {
  const gate = Promise.withResolvers<void>();
  bus.on("ended", () => Promise.reject(new Error("broken")));
  bus.on("ended", async () => {
    await gate.promise;
    log.push("finished");
  });
  const waited = bus.emitAndWait("ended", "ada").then(() => log.push("waited"));
  gate.resolve();
  await waited;
  expect(log).toEqual(["finished", "waited"]);
});

test("what a synchronous subscriber returns is ignored", async () => {
  bus.on("ended", (who) => log.push(who) as never);
  bus.emit("ended", "ada");
  await bus.emitAndWait("ended", "bob");
  expect([log, unexpected]).toEqual([["ada", "bob"], []]);
});

test("a subscriber may emit other events and subscribe to them", () => {
  bus.on("ended", () => {
    bus.on("changed", (n) => void log.push(`changed ${n}`));
    bus.emit("changed", 1);
  });
  bus.emit("ended", "ada");
  expect(log).toEqual(["changed 1"]);
});
