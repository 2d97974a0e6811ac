import { expect, test } from "vitest";
import { aChange, anApproval, aRepo } from "../../test/lib/fixtures.ts";
import { restOf } from "./rest-of.ts";

const all = [1, 2, 3, 4, 5, 6];
const names = ["api", "docs", "mail", "web"];

/** The hive: two rows in each answer, newest first. */
const call = async (name: string, { before = Infinity, after = "" }: { before?: number; after?: string }): Promise<object> => {
  const older = all.filter((id) => id < before).reverse();
  const later = names.filter((one) => one > after);
  const more = (name === "repos" ? later : older).length > 2 ? { more: true } : {};
  if (name === "approvals") return { approvals: older.slice(0, 2).map((id) => anApproval({ id })), ...more };
  if (name === "changes") return { changes: older.slice(0, 2).map((id) => aChange({ id })), ...more };
  return { repos: later.slice(0, 2).map((one) => aRepo(one)), ...more };
};

test("the older requests and changes and the other repositories follow a snapshot that is not complete", async () => {
  const first = {
    approvals: [anApproval({ id: 6 })],
    changes: [aChange({ id: 5 }), aChange({ id: 6 })],
    repos: [aRepo("api")],
  };
  const complete = { messages: false, stuck: false, questions: false };
  const ids = (rows: readonly { id: number }[]): number[] => rows.map(({ id }) => id);
  const rest = await restOf({ ...first, more: { ...complete, approvals: true, changes: true, repos: true } }, call as never);
  expect([ids(rest.approvals), ids(rest.changes), rest.repos.map(({ name }) => name)]).toEqual([
    [1, 2, 3, 4, 5],
    [1, 2, 3, 4],
    ["docs", "mail", "web"],
  ]);
  expect(await restOf({ ...first, more: complete }, call as never)).toEqual({ approvals: [], changes: [], repos: [] });
});
