import { expect, test } from "vitest";
import { everyDay } from "./days.ts";

const used = { requests: 1, tokens: { input: 1, output: 2, cache_read: 3, cache_write: 4 }, cost_usd: 0.5, unpriced: 0 };

test("a chart has every day of its period once, oldest first, also those without usage", () => {
  const days = everyDay("2028-02-27", "2028-03-02", [
    { ...used, day: "2028-03-01" },
    { ...used, day: "2028-02-28" },
  ]);
  expect(days.map(({ day, requests }) => `${day} ${requests}`)).toEqual([
    "2028-02-27 0",
    "2028-02-28 1",
    "2028-02-29 0",
    "2028-03-01 1",
    "2028-03-02 0",
  ]);
});
