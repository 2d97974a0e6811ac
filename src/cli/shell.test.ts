import { expect, test } from "vitest";
import { z } from "zod";
import { wordsOf } from "./exit.ts";

test("an answer from a daemon of another version is reported in words, not as a parser's error", () => {
  const { error } = z.object({ state: z.object({ hive: z.string() }) }).safeParse({ state: {} });
  expect(wordsOf(error)).toBe(
    "the daemon's answer is not understood (state.hive): it runs another version than this hivectl; restart the daemon",
  );
  expect(wordsOf(new Error("it is busy"))).toBe("it is busy");
});
