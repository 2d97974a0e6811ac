import { describe, expect, test } from "vitest";
import { CHANGE_STATES, isChangeOver } from "../../src/wire/change-states.ts";
import { aChange, aRepo, ago } from "../../test/lib/fixtures.ts";
import { groupsOf, nextOf } from "./groups.ts";

const web = aRepo("web", {
  queues: [{ base: "main", state: "busy", change: 5, since: ago(60), waiting: [7, 6] }],
});
const repos = new Map([["web", web]]);
const ids = (list: readonly { id: number }[]): number[] => list.map(({ id }) => id);

describe("groups of changes", () => {
  test("each open state is in exactly one group, and a change that has ended in none", () => {
    for (const state of CHANGE_STATES) {
      const { review, queue, back } = groupsOf([aChange({ id: 1, state })], repos);
      expect(review.length + queue.length + back.length, state).toBe(isChangeOver(state) ? 0 : 1);
    }
  });

  test("the queue has the order of the merge queue, whatever the numbers of its changes", () => {
    const changes = [
      aChange({ id: 4, state: "approved" }),
      aChange({ id: 6, state: "queued" }),
      aChange({ id: 7, state: "queued" }),
      aChange({ id: 5, state: "checking" }),
    ];
    expect(ids(groupsOf(changes, repos).queue)).toEqual([5, 7, 6, 4]);
  });

  test("queues of other repositories and bases are not mixed", () => {
    const changes = [
      aChange({ id: 1, state: "queued", repo: "zoo" }),
      aChange({ id: 2, state: "queued", base: "release/1" }),
      aChange({ id: 7, state: "queued" }),
    ];
    expect(ids(groupsOf(changes, repos).queue)).toEqual([7, 2, 1]);
  });

  test("those that wait for review come oldest first, those that came back newest first", () => {
    const changes = [
      aChange({ id: 9, state: "proposed" }),
      aChange({ id: 3, state: "proposed" }),
      aChange({ id: 1, state: "conflict", updated_at: ago(50) }),
      aChange({ id: 2, state: "checks_failed", updated_at: ago(500) }),
    ];
    const { review, back } = groupsOf(changes, repos);
    expect([ids(review), ids(back)]).toEqual([
      [3, 9],
      [1, 2],
    ]);
  });
});

describe("the next action", () => {
  test("every open state has one, and so has a merged change", () => {
    const without = CHANGE_STATES.filter((state) => nextOf(aChange({ id: 1, state }), web) === undefined);
    expect(without).toEqual(["denied", "withdrawn", "superseded", "stale"]);
  });

  test("the first of the queue can be taken out, the others come to the front", () => {
    expect(nextOf(aChange({ id: 7, state: "queued" }), web)?.kind).toBe("dequeue");
    expect(nextOf(aChange({ id: 6, state: "queued" }), web)?.kind).toBe("front");
  });

  test.each(["conflict", "checks_failed", "push_failed"] as const)("a change in %s is tried again", (state) => {
    expect(nextOf(aChange({ id: 1, state }), web)?.kind).toBe("retry");
  });

  test("a conflict is tried again only on another tip of its base", () => {
    const tip = web.bases.find(({ name }) => name === "main")?.sha;
    const words = (more: object) => nextOf(aChange({ id: 1, state: "conflict", ...more }), web)?.words;
    expect(words({ conflicts_with: tip })).toBe("read why");
    expect(words({ conflicts_with: "f".repeat(40) })).toBe("try again");
    // A check may be unsteady.
    expect(nextOf(aChange({ id: 1, state: "checks_failed" }), web)?.words).toBe("try again");
  });

  test("a change that a reviewer has approved can be stopped until it is merged", () => {
    expect(nextOf(aChange({ id: 1, state: "approved", merges_at: ago(-60) }), web)?.words).toBe("veto…");
  });
});
