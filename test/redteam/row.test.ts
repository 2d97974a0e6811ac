import { expect, test } from "vitest";
import { judge, observe, type CageRow } from "./row.ts";

const row: CageRow = {
  id: "area-row",
  from: "agent",
  attempt: "try",
  barrier: "the filter",
  refusal: /EPERM/,
  run: () => Promise.resolve("reached"),
};
const outcomeOf = async (run: () => Promise<string>, about: Partial<CageRow> = {}): Promise<[string, string]> => {
  const { outcome, evidence } = judge({ ...row, ...about }, await observe(run, 50));
  return [outcome, evidence];
};
const failing = (error: Error) => () => Promise.reject(error);

test("an attempt that is refused with the words of its barrier is blocked", async () => {
  expect(await outcomeOf(failing(new Error("EPERM, operation not permitted")))).toEqual([
    "blocked",
    "EPERM, operation not permitted",
  ]);
  // The code of a system error counts as its words.
  expect(await outcomeOf(failing(Object.assign(new Error("not permitted"), { code: "EPERM" })))).toEqual([
    "blocked",
    "EPERM not permitted",
  ]);
});

test("an attempt that reaches what it aims at is open, and contained only if its row says why", async () => {
  expect(await outcomeOf(() => Promise.resolve("root"))).toEqual(["open", "root"]);
  expect(await outcomeOf(() => Promise.resolve("its own files"), { contained: "they are its own" })).toEqual([
    "contained",
    "its own files",
  ]);
});

test("an attempt that fails with other words is open, also if success would be contained", async () => {
  const broken = failing(new Error("python3: not found"));
  expect(await outcomeOf(broken)).toEqual(["open", "failed for another reason than its barrier: python3: not found"]);
  expect((await outcomeOf(broken, { contained: "harmless" }))[0]).toBe("open");
  const { refusal: _, ...unrefused } = row;
  expect(judge({ ...unrefused, contained: "harmless" }, await observe(broken, 50)).outcome).toBe("open");
});

test("an attempt that was not carried out is open", () => {
  expect(judge(row, undefined)).toMatchObject({ outcome: "open", evidence: "the attempt was not carried out" });
});

test("an attempt that hangs ends and is open, and one that throws at once is a refusal", async () => {
  expect(await outcomeOf(() => new Promise(() => {}))).toEqual(["open", "failed for another reason than its barrier: no answer"]);
  const thrown = (): never => {
    throw new Error("EPERM");
  };
  expect((await outcomeOf(thrown))[0]).toBe("blocked");
});

test("what is kept of an attempt is bounded", async () => {
  const [, evidence] = await outcomeOf(() => Promise.resolve("x".repeat(10_000)));
  expect(evidence).toHaveLength(400);
});
