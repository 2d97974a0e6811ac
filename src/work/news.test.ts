import { expect, test } from "vitest";
import type { ChangeRecord } from "../store/changes.ts";
import { News } from "./news.ts";

const agent = (id: string, ...repos: string[]) => ({
  id,
  name: id,
  config: { repos: repos.map((name) => ({ name, access: "write" })) },
});
const news = (): News =>
  new News({ agents: { all: () => [agent("ada", "web"), agent("bob", "web"), agent("cyd", "api")] } } as never);
const change = (facts: Partial<ChangeRecord> = {}): ChangeRecord =>
  ({
    id: 7,
    repo: "web",
    base: "main",
    agent: "ada",
    agent_name: "ada",
    title: "Greet\nall",
    state: "proposed",
    merged_sha: null,
    ...facts,
  }) as ChangeRecord;

test("a proposal is news for the others of its repository, a merge also for its owner, and only the newest counts", () => {
  const all = news();
  all.changed(change());
  expect(all.take({ id: "ada" })).toBeUndefined();
  all.changed(change({ state: "checking" }));
  all.changed(change({ state: "merged", merged_sha: "a".repeat(40) }));
  expect(all.take({ id: "ada" })).toEqual(["web: your change 7 “Greet all” is merged into main (aaaaaaaaaaaa)"]);
  expect(all.take({ id: "bob" })).toEqual(["web: change of ada: 7 “Greet all” is merged into main (aaaaaaaaaaaa)"]);
  expect(all.take({ id: "bob" })).toBeUndefined();
  expect(all.take({ id: "cyd" })).toBeUndefined();
});

test("at most twenty lines wait, the newest ones", () => {
  const all = news();
  for (let id = 1; id <= 30; id++) all.changed(change({ id }));
  all.baseMoved("web", "main", "b".repeat(40));
  const lines = all.take({ id: "bob" });
  expect(lines).toHaveLength(20);
  expect(lines?.at(-1)).toBe("web: main moved to bbbbbbbbbbbb");
});
