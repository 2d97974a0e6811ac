import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import type { Store } from "./store.ts";
import type { UsageRecord } from "./usage.ts";

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "usage-"));
  store = openStoreIn(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const used = (agent: string, day: string, over: Partial<UsageRecord> = {}): Promise<void> =>
  store.write(() =>
    store.usage.add({
      agent,
      day,
      model: "haiku",
      credential: "default",
      input: 1,
      output: 2,
      cacheRead: 3,
      cacheWrite: 4,
      costUsd: 0.5,
      budgetUsd: 0.5,
      ...over,
    }),
  );

test("an agent's days are paged newest first, by whole days with every model of a day", async () => {
  for (const day of ["2030-01-01", "2030-01-03", "2030-01-04"]) await used("ada", day);
  await used("ada", "2030-01-03", { model: "opus" });
  await used("bob", "2030-01-02");
  const days = (page: ReturnType<Store["usage"]["page"]>): string[] => page.lines.map((line) => `${line.day} ${line.model}`);
  const first = store.usage.page({ agent: "ada", days: 2 });
  expect(days(first)).toEqual(["2030-01-04 haiku", "2030-01-03 haiku", "2030-01-03 opus"]);
  expect(first.more).toBe(true);
  const second = store.usage.page({ agent: "ada", before: "2030-01-03", days: 2 });
  expect(days(second)).toEqual(["2030-01-01 haiku"]);
  expect(second.more).toBe(false);
  expect(store.usage.page({ agent: "ada", before: "2030-01-01", days: 2 })).toEqual({ lines: [], more: false });
});

test("a day of all agents has the rows of each, and the total covers all days", async () => {
  await used("bob", "2030-01-02");
  await used("ada", "2030-01-02");
  await used("ada", "2030-01-01");
  const page = store.usage.page({ days: 1 });
  expect(page.lines.map((line) => line.agent)).toEqual(["ada", "bob"]);
  expect(page.more).toBe(true);
  expect(store.usage.total()).toMatchObject({ requests: 3, input: 3, output: 6, cacheRead: 9, cacheWrite: 12, costUsd: 1.5 });
  expect(store.usage.total("ada")).toMatchObject({ requests: 2, costUsd: 1 });
  expect(store.usage.total("nobody")).toMatchObject({ requests: 0, costUsd: 0, unpriced: 0 });
});

test("a request without a price is counted separately from one that costs nothing", async () => {
  await used("ada", "2030-01-01", { model: "local", costUsd: undefined });
  await used("ada", "2030-01-01", { model: "local", costUsd: 0.25 });
  await used("ada", "2030-01-01", { model: "free", costUsd: 0 });
  const { lines } = store.usage.page({ agent: "ada", days: 1 });
  expect(lines).toMatchObject([
    { model: "free", requests: 1, unpriced: 0, costUsd: 0 },
    { model: "local", requests: 2, unpriced: 1, costUsd: 0.25 },
  ]);
});

test("usage of a period is summed by what is asked for, the most expensive first, and no other day counts", async () => {
  await used("ada", "2029-12-31", { costUsd: 100 });
  await used("ada", "2030-01-01");
  await used("ada", "2030-01-02", { model: "opus", costUsd: 2 });
  await used("bob", "2030-01-02", { costUsd: 1.5 });
  await used("bob", "2030-01-03", { costUsd: 100 });
  const period = { since: "2030-01-01", until: "2030-01-02" };
  const groups = (by: ("day" | "agent" | "model")[], limit = 10, agent?: string): unknown[] =>
    store.usage.groups({ ...period, by, agent }, limit).map(({ day, agent: who, model, costUsd }) => [day, who, model, costUsd]);
  expect(groups(["agent"])).toEqual([
    [undefined, "ada", undefined, 2.5],
    [undefined, "bob", undefined, 1.5],
  ]);
  expect(groups(["model", "day"])).toEqual([
    ["2030-01-02", undefined, "opus", 2],
    ["2030-01-02", undefined, "haiku", 1.5],
    ["2030-01-01", undefined, "haiku", 0.5],
  ]);
  expect(groups(["day"], 10, "bob")).toEqual([["2030-01-02", undefined, undefined, 1.5]]);
  expect(groups(["agent"], 1)).toHaveLength(1);
  expect(store.usage.sum(period)).toMatchObject({ requests: 3, output: 6, costUsd: 4, unpriced: 0 });
  expect(store.usage.sum({ ...period, agent: "bob" })).toMatchObject({ requests: 1, costUsd: 1.5 });
});

test("answers with two credentials are two rows of a day, and sums by credential", async () => {
  await used("ada", "2030-01-01");
  await used("ada", "2030-01-01", { credential: "work", costUsd: 2 });
  await used("ada", "2030-01-01", { credential: "work", costUsd: 2 });
  expect(store.usage.page({ days: 1 }).lines.map(({ credential, requests }) => [credential, requests])).toEqual([
    ["default", 1],
    ["work", 2],
  ]);
  const sums = store.usage.groups({ by: ["credential"], since: "2030-01-01", until: "2030-01-01" }, 10);
  expect(sums.map(({ credential, costUsd }) => [credential, costUsd])).toEqual([
    ["work", 4],
    ["default", 0.5],
  ]);
});
