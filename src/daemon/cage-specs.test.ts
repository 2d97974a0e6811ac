import { sandboxedRun } from "../os/sandboxed-run.ts";
import { expect, test } from "vitest";
import { Paths } from "../lib/paths.ts";
import { FIRST_CHECK_ORDINAL, GIT_ORDINAL, LAST_ORDINAL, LOGIN_ORDINAL, MAX_AGENTS } from "../platforms/uids.ts";
import { CageSpecs } from "./cage-specs.ts";

test("an agent has its own identity, and mounts for an agent that does not exist yet are tried as the last identity", () => {
  const specs = new CageSpecs({
    hiveId: "h1",
    paths: new Paths("/s", "/r"),
    runtime: { revision: "r1", dir: "/runtime" },
    warmMs: 1,
    store: {} as never,
    platform: {
      sandboxedRun,
      driver: { identityFor: (hive, ordinal) => ({ kind: "host-uid", uid: ordinal, gid: hive.length }) },
    },
  });
  const identity = { kind: "host-uid", uid: 7, gid: 7 } as const;
  expect(specs.identityOf({ record: { identity } } as never)).toBe(identity);
  expect(specs.identityOf(undefined)).toEqual({ kind: "host-uid", uid: LAST_ORDINAL, gid: 2 });
  expect(specs.identityFor(MAX_AGENTS - 1)).toEqual({ kind: "host-uid", uid: MAX_AGENTS - 1, gid: 2 });
  // The uids of checks, of git and of trials are no agent's.
  for (const ordinal of [FIRST_CHECK_ORDINAL, GIT_ORDINAL, LAST_ORDINAL, LOGIN_ORDINAL, MAX_AGENTS])
    expect(() => specs.identityFor(ordinal)).toThrow(`at most ${MAX_AGENTS} agents of all time`);
});
