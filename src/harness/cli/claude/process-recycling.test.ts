import { expect, test } from "vitest";
import { whyRecycle } from "./process-recycling.ts";

const fresh = { turns: 1, ageMs: 1000, residentBytes: 300 * 1024 * 1024 };

test.each([
  [{}, undefined],
  [{ turns: 199 }, undefined],
  [{ turns: 200 }, "200 turns"],
  [{ ageMs: 6 * 3600_000 }, undefined],
  [{ ageMs: 6 * 3600_000 + 1 }, "6 hours"],
  [{ residentBytes: 1536 * 1024 * 1024 }, undefined],
  [{ residentBytes: 1600 * 1024 * 1024 }, "1600 MiB"],
])("a process after %j is replaced because of: %s", (change, why) => {
  expect(whyRecycle({ ...fresh, ...change })).toBe(why);
});
