import { expect, test } from "vitest";
import { isNoticeKind } from "./notices.ts";
import { begunBy, endedBy, PAIRS } from "./pairs.ts";
import { systemWords } from "./system-event.ts";

test.each(PAIRS.map((pair) => [pair.begin, pair] as const))("%s has a counterpart, and both have words", (begin, pair) => {
  expect(begunBy(begin)).toBe(pair);
  expect(pair.ends.length).toBeGreaterThan(0);
  for (const kind of [begin, ...pair.ends]) {
    const words = systemWords("system", JSON.stringify({ event: kind, agent: "scout" }));
    // Its own words, not its facts.
    expect(words).not.toContain(" · agent ");
    expect(words).toContain("scout");
  }
  for (const end of pair.ends) expect(endedBy(end)).toContain(pair);
});

test.each(PAIRS.map((pair) => [pair.begin, pair] as const))(
  "the manager is notified of both sides of %s, or of neither",
  (begin, pair) => {
    for (const kind of [begin, ...pair.ends]) expect(isNoticeKind(kind), kind).toBe(pair.toManager);
  },
);
