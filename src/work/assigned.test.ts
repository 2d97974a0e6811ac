import { expect, test } from "vitest";
import type { Agent } from "../agents/agent.ts";
import { DEFAULT_REPO_SETTINGS } from "../wire/work.ts";
import { assignedTo, repoComplaints } from "./assigned.ts";
import type { Repo } from "./repo-record.ts";

const repos = ["web", "docs", "empty"].map((name) => ({ name, settings: { ...DEFAULT_REPO_SETTINGS, base: "main" } })) as Repo[];
const TIPS: Record<string, string[]> = { web: ["main", "release/1.x"], docs: ["main", "scout"], empty: [] };
const repositories = {
  all: () => repos,
  find: (name: string) => repos.find((repo) => repo.name === name),
  tips: (name: string) => new Map((TIPS[name] ?? []).map((base) => [base, "0".repeat(40)])),
};
const complaints = (agent: string, name: string, base?: string): string[] =>
  repoComplaints(agent, [{ name, access: "write", ...(base === undefined ? {} : { base }) }], repositories);

test.each<[string, string, string | undefined, string]>([
  ["scout", "wbe", undefined, "there is no repository wbe; did you mean web?"],
  ["scout", "zzzzz", undefined, "there is no repository zzzzz ("],
  ["scout", "web", "relaese", "web has no base relaese: it has main, release/1.x"],
  ["main", "web", undefined, "an agent named main cannot work on web: its branches would begin like the base main"],
  ["main", "empty", undefined, "like the base main"],
  ["scout", "docs", undefined, "like the base scout"],
  ["release", "web", undefined, "like the base release/1.x"],
])("an agent %s with the repository %s (base %s) is refused", (agent, name, base, words) => {
  expect(complaints(agent, name, base).join()).toContain(words);
});

test.each([
  ["scout", "web", undefined],
  ["scout", "web", "release/1.x"],
  ["releases", "web", undefined],
  ["scout", "empty", "next"],
])("an agent %s with the repository %s (base %s) is accepted", (agent, name, base) => {
  expect(complaints(agent, name, base)).toEqual([]);
});

test("a harness gets the repositories of its config with their settings, but for removed ones", () => {
  const config = { repos: [{ name: "web" }, { name: "gone" }, { name: "docs", base: "next", access: "read" }] };
  expect(assignedTo({ config } as Agent, repositories)).toEqual([
    { name: "web", base: "main", access: undefined, setup: "", author: "" },
    { name: "docs", base: "next", access: "read", setup: "", author: "" },
  ]);
});
