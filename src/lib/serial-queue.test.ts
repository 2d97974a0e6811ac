import { expect, test } from "vitest";
import { SerialQueue } from "./serial-queue.ts";

test("steps run one after the other, in their order", async () => {
  const queue = new SerialQueue();
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = queue.run(async () => {
    log.push("first begins");
    await gate.promise;
    log.push("first ends");
  });
  const second = queue.run(async () => void log.push("second"));
  expect(queue.isEmpty).toBe(false);
  gate.resolve();
  await Promise.all([first, second]);
  expect(log).toEqual(["first begins", "first ends", "second"]);
});

test("a failed step rejects for its caller alone, and the next step runs", async () => {
  const queue = new SerialQueue();
  const failed = queue.run(() => Promise.reject(new Error("no")));
  const next = queue.run(async () => "yes");
  await expect(failed).rejects.toThrow("no");
  expect(await next).toBe("yes");
  await queue.run(async () => {});
  expect(queue.isEmpty).toBe(true);
});
