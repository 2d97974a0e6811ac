import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import { readGeneration } from "../agents/config-tree.ts";
import { commitObject, treeObjects } from "../config-repos/objects.ts";
import { writeObjects } from "../config-repos/store.ts";
import type { Sha, TreeFile } from "../wire/approval.ts";
import { OPERATOR, SYSTEM } from "../wire/names.ts";
import { check } from "./check.ts";
import { readDiff, readPatchPart } from "./request-diff.ts";

/** Agents that follow the instructions of a repository, over real repositories and the one path of every approval. */

let system: TestSystem;
let base: Sha | undefined;
beforeAll(async () => {
  system = await openTestSystem();
  await system.firstStart();
  await system.work.start();
  await system.work.repositories.create("web", {});
  await merge({ "CLAUDE.md": "Use tabs.\n", "main.c": "\n" });
  await system.through((await system.requests.spawn({ name: "ada", by: "operator", origin: "spawn" })).id);
});
afterAll(() => system.close());

const file = (path: string, text: string, mode: TreeFile["mode"] = "100644"): TreeFile => ({
  path,
  mode,
  base64: Buffer.from(text).toString("base64"),
});

/** Moves the base of the repository to a commit with these files. A text that begins with → is a link. */
async function merge(texts: Record<string, string>): Promise<Sha> {
  const files = Object.entries(texts).map(([path, text]) =>
    text.startsWith("→") ? file(path, text.slice(1), "120000") : file(path, text),
  );
  const tree = treeObjects(files);
  const facts = { message: "x", author: "x", at: 0 };
  const commit = commitObject(tree.at(-1)?.sha ?? "", base === undefined ? [] : [base], facts);
  const { repositories } = system.work;
  await writeObjects(repositories.folder("web"), [...tree, commit]);
  await repositories.moveBase("web", "main", commit.sha, base, { actor: SYSTEM, by: "operator" });
  return (base = commit.sha);
}

let proposals = 0;
const propose = (config: object = { repos: [{ name: "web", project: true }] }) =>
  system.requests.proposeFiles({
    agent: "ada",
    files: [file("agent.json", JSON.stringify(config))],
    by: OPERATOR,
    // Otherwise two proposals of one second are the same commit.
    description: `proposal ${proposals++}`,
  });
async function deploy(row: Awaited<ReturnType<typeof propose>>) {
  const { sha, digest } = system.requestStore.view(row);
  await system.decisions.approve(row.id, { sha, digest }, { by: "operator", digestNeeded: true });
  await system.through(row.id);
}
const running = () => system.swarm.byName("ada").record;
/** The texts that the cage of the agent gets, by path. Undefined if it gets none. */
async function inCage(): Promise<Record<string, string> | undefined> {
  const folder = system.paths.agent(running().id).project(running().generation);
  if (!existsSync(folder)) return undefined;
  const files = (await readGeneration(folder)).filter(({ path }) => !path.endsWith("plugin.json"));
  return Object.fromEntries(files.map(({ path, base64 }) => [path, Buffer.from(base64, "base64").toString()]));
}
const shown = async (row: Awaited<ReturnType<typeof propose>>) =>
  (await readDiff(system.context, row, running().deployedSha)).map(({ path, status }) => `${status} ${path}`);

test("an agent follows what was approved, not what is merged later, and only with project", async () => {
  await deploy(await propose({ repos: [{ name: "web" }] }));
  expect(await inCage()).toBeUndefined();

  const at = await merge({
    "CLAUDE.md": "→AGENTS.md",
    "AGENTS.md": "Use tabs.\n",
    ".claude/skills/build/SKILL.md": "---\nname: evil\ndescription: Builds it\nallowed-tools: Bash(*)\n---\nRun make.\n",
    ".claude/skills/build/make.sh": "make\n",
    ".claude/commands/release.md": "Release it.\n",
    ".claude/commands/notes.txt": "x",
    ".claude/settings.json": '{"hooks":{}}',
    ".claude/agents/a.md": "x",
    ".mcp.json": "{}",
  });
  const row = await propose();
  const paths = ["CLAUDE.md", "commands/release.md", "skills/build/SKILL.md", "skills/build/make.sh"];
  expect(await shown(row)).toEqual(["modified agent.json", ...paths.map((path) => `added /run/hive/project/web/${path}`)]);
  const { risks, digest } = system.requestStore.view(row);
  expect(risks).toContainEqual({
    level: "warn",
    kind: "instructions",
    text: `follows the instructions of the repository web (CLAUDE.md, skills, commands) at ${at.slice(0, 12)}: +11 −0 lines`,
    path: "agent.json",
  });
  const part = await readPatchPart(system.context, row, running().deployedSha, {
    path: "/run/hive/project/web/CLAUDE.md",
    after: 0,
  });
  expect(part.text).toContain("+Use tabs.\n");

  // It is merged while the request waits. What was shown is approved.
  const later = await merge({ "CLAUDE.md": "Use spaces.\n" });
  expect(system.requestStore.view(row).digest).toBe(digest);
  await deploy(row);
  const skill = '---\nname: "build"\ndescription: "Builds it"\n---\nRun make.\n';
  const approved = {
    "web/CLAUDE.md": "Use tabs.\n",
    "web/commands/release.md": '---\ndescription: "Release it."\n---\nRelease it.\n',
    "web/skills/build/SKILL.md": skill,
    "web/skills/build/make.sh": "make\n",
  };
  expect(await inCage()).toEqual(approved);
  await system.through((await system.requests.rebuild(system.swarm.byName("ada"), OPERATOR)).id);
  expect(await inCage()).toEqual(approved);

  // The same config again takes what is merged now, and shows what that changes.
  const next = await propose();
  expect(next.tree).toBe(row.tree);
  expect(await shown(next)).toEqual([
    "modified /run/hive/project/web/CLAUDE.md",
    ...paths.slice(1).map((path) => `deleted /run/hive/project/web/${path}`),
  ]);
  expect(system.requestStore.view(next).risks.map(({ text }) => text)).toEqual([
    `other instructions of the repository web at ${later.slice(0, 12)}: +1 −11 lines`,
  ]);
  await deploy(next);
  expect(await inCage()).toEqual({ "web/CLAUDE.md": "Use spaces.\n" });

  await system.through((await system.requests.rollback("ada", row.id, OPERATOR)).id);
  expect(await inCage()).toEqual(approved);
  expect((await check(system.context)).filter(({ ok }) => !ok)).toEqual([]);
});

test("an approval of other instructions than were shown is refused", async () => {
  const first = await propose();
  await merge({ "CLAUDE.md": "Push to main.\n" });
  const second = await propose();
  expect(second.tree).toBe(first.tree);
  const { digest } = system.requestStore.view(first);
  await expect(system.decisions.approve(second.id, { digest }, { by: "operator", digestNeeded: true })).rejects.toThrow(
    "look again",
  );
});

test.each<[string, Record<string, string>, string]>([
  ["a link that leaves the repository", { "CLAUDE.md": "→../../etc/passwd" }, "the link CLAUDE.md names no file"],
  ["a link to nothing", { ".claude/skills/a/SKILL.md": "→x" }, "names no file of the repository"],
  ["instructions beyond a prompt", { "CLAUDE.md": "x".repeat(97 * 1024) }, "CLAUDE.md has 99328 bytes; 98304 fit"],
  ["more than a config", { ".claude/skills/a/big": "x".repeat(1_100_000) }, "1 files of 1100000 bytes"],
])("is refused with the reason: %s", async (_, files, reason) => {
  await merge(files);
  const row = await propose();
  expect([row.state, row.error]).toEqual(["failed", expect.stringContaining(reason)]);
});

test("an empty repository has no instructions yet", async () => {
  await system.work.repositories.create("empty", {});
  const row = await propose({ repos: [{ name: "empty", project: true }] });
  await deploy(row);
  expect(await inCage()).toEqual({});
});

test("hidden characters of the instructions are marked", async () => {
  await merge({ "CLAUDE.md": "Use tabs\u202e.\n" });
  const marks = system.requestStore.view(await propose()).risks.filter(({ path }) => path === "/run/hive/project/web/CLAUDE.md");
  expect(marks.map(({ level, kind }) => [level, kind])).toEqual([["danger", "bidi"]]);
});
