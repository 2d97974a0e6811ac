import { expect, test } from "vitest";
import { Gate } from "./gate.ts";

/** Work that logs its start and ends on demand. */
function work(log: string[], name: string): { run(): Promise<string>; end(): void } {
  let end = (): void => {};
  const over = new Promise<void>((resolve) => (end = resolve));
  return {
    async run() {
      log.push(`${name} begins`);
      await over;
      log.push(`${name} ends`);
      return name;
    },
    end: () => end(),
  };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("still waits for running changes, and later changes wait for it", async () => {
  const gate = new Gate();
  const log: string[] = [];
  const [first, second, later, copy] = ["first", "second", "later", "copy"].map((name) => work(log, name));
  const changes = [gate.change(first!.run), gate.change(second!.run)];
  const still = gate.still(copy!.run);
  const last = gate.change(later!.run);
  await turn();
  expect(log).toEqual(["first begins", "second begins"]);
  first!.end();
  await turn();
  expect(log).not.toContain("copy begins");
  second!.end();
  await Promise.all(changes);
  await turn();
  expect(log.at(-1)).toBe("copy begins");
  copy!.end();
  expect(await still).toBe("copy");
  later!.end();
  await last;
  expect(log.slice(-3)).toEqual(["copy ends", "later begins", "later ends"]);
});

test("a change or a copy that fails does not block the others", async () => {
  const gate = new Gate();
  await expect(gate.change(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  await expect(gate.still(() => Promise.reject(new Error("no room")))).rejects.toThrow("no room");
  expect(await Promise.all([gate.change(async () => 1), gate.still(async () => 2), gate.still(async () => 3)])).toEqual([
    1, 2, 3,
  ]);
});
