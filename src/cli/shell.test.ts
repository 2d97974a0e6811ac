import { expect, test } from "vitest";
import { z } from "zod";
import { wordsOf } from "./exit.ts";
import { notConnected } from "./shell.ts";

test("an answer from a daemon of another version is reported in words, not as a parser's error", () => {
  const { error } = z.object({ state: z.object({ hive: z.string() }) }).safeParse({ state: {} });
  expect(wordsOf(error)).toBe(
    "the daemon's answer is not understood (state.hive): it runs another version than this hivectl; restart the daemon",
  );
  expect(wordsOf(new Error("it is busy"))).toBe("it is busy");
});

test("a socket that may not be opened is another user's; only without one is there no hive", () => {
  for (const code of ["EACCES", "EPERM"])
    expect(notConnected("/run/x.sock", code)).toMatchObject({
      code: "forbidden",
      exit: 1,
      message: expect.stringMatching(
        /^you may not open \/run\/x\.sock, .*operator add .* --role viewer`; .* --socket \/run\/operators\/<name>\.sock$/,
      ) as string,
    });
  for (const code of ["ENOENT", "ECONNREFUSED", undefined])
    expect(notConnected("/run/x.sock", code)).toMatchObject({ code: "unavailable", exit: 3 });
});
