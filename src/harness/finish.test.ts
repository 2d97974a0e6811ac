import { expect, test } from "vitest";
import { HiveError, type ErrorCode } from "../wire/error.ts";
import type { TurnOutcome } from "../wire/harness.ts";
import { finishTurn } from "./finish.ts";

const PARKED: TurnOutcome = { kind: "parked", why: "upstream", reason: "529" };

/** Reports an end to a daemon that refuses it with each of these errors in turn and then accepts it. */
async function finish(...refusals: (ErrorCode | Error)[]) {
  const reported: TurnOutcome[] = [];
  let pauses = 0;
  const end = finishTurn(3, PARKED, {
    report(_turn, outcome) {
      reported.push(outcome);
      const refusal = refusals.shift();
      if (refusal === undefined) return Promise.resolve();
      return Promise.reject(refusal instanceof Error ? refusal : new HiveError(refusal, "why: no such end"));
    },
    pause: () => Promise.resolve(void pauses++),
    log: () => {},
  });
  const failure = await end.then(
    () => undefined,
    (error: unknown) => error,
  );
  return { reported, pauses, failure };
}

test("an end that the daemon cannot store yet is sent again unchanged", async () => {
  expect(await finish("disk_full", "unavailable", "internal")).toEqual({
    reported: [PARKED, PARKED, PARKED, PARKED],
    pauses: 3,
    failure: undefined,
  });
});

test.each<ErrorCode>(["bad_request", "too_large", "not_found", "protocol", "unauthorized"])(
  "an end that is refused permanently with %s is reported as a failure, once",
  async (code) => {
    const failed = { kind: "failed", why: "failed", reason: "the daemon refused the outcome of the turn: why: no such end" };
    expect(await finish(code)).toEqual({ reported: [PARKED, failed], pauses: 0, failure: undefined });
    const twice = await finish(code, "disk_full", code, code);
    expect(twice).toMatchObject({ reported: [PARKED, failed, failed], pauses: 1, failure: { code } });
  },
);

test.each(["conflict", "forbidden", new Error("the link was closed")] as const)(
  "%s stops the attempts: the lease belongs to another harness",
  async (why) => {
    expect(await finish(why)).toEqual({ reported: [PARKED], pauses: 0, failure: undefined });
  },
);
