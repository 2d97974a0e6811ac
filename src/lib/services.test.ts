import { expect, test } from "vitest";
import { Services, type Service } from "./services.ts";

const unexpected: unknown[] = [];
const log: string[] = [];
const service = (name: string): Service => ({
  async start() {
    await Promise.resolve();
    log.push(`start ${name}`);
  },
  async stop() {
    await Promise.resolve();
    log.push(`stop ${name}`);
  },
});

test("services start in order, one after the other, and stop in reverse; one that fails to stop is reported", async () => {
  const failing = { stop: () => Promise.reject(new Error("broken")) };
  const services = new Services([service("a"), failing, { start: () => void log.push("start b") }, service("c")], (error) =>
    unexpected.push(error),
  );
  await services.start();
  await services.stop();
  expect(log).toEqual(["start a", "start b", "start c", "stop c", "stop a"]);
  expect(unexpected).toMatchObject([{ message: "broken" }]);
});

test("a service that fails to start keeps the later ones from starting", async () => {
  log.length = 0;
  const failing = { start: () => Promise.reject(new Error("broken")) };
  await expect(new Services([service("a"), failing, service("b")], () => {}).start()).rejects.toThrow("broken");
  expect(log).toEqual(["start a"]);
});
