import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestHive } from "../lib/hive.ts";
import { runIn } from "../lib/work-git.ts";

/** Agents work on the operator's repository through the real cage, with the git that a model would type. */

const bash = (text: string, command: string) => ({
  when: { text: `^${text}$` },
  steps: [
    { tools: [{ name: "Bash", input: { command } }], capture: { answer: "[\\s\\S]*" } },
    { tools: [{ name: "send", input: { to: "operator", body: "{{answer}}" } }] },
    { say: "done" },
  ],
});
let hive: TestHive;

beforeAll(async () => {
  hive = await new TestHive()
    .play([
      bash("look", "pwd; git status -sb; git log --format='%an %s'; cat ready"),
      bash(
        "work",
        "git switch -q -c topic && echo more >> README.md && git commit -qam 'Say more' && git push -u origin topic 2>&1; git status -sb; git log -1 --format='%an <%ae>'",
      ),
      bash("read", "git fetch -q && git log -1 --format='%an %s' origin/scout/topic; git push origin HEAD 2>&1"),
      bash("where", "pwd"),
      bash("follow", "cat CLAUDE.md; ls /run/hive/project/web/skills; touch /run/hive/project/web/x 2>&1 || true"),
      {
        when: { text: "^skill$" },
        steps: [
          { tools: [{ name: "Skill", input: { skill: "web:build" } }], capture: { answer: "[\\s\\S]*" } },
          { tools: [{ name: "send", input: { to: "operator", body: "{{answer}}" } }] },
          { say: "done" },
        ],
      },
      { when: { text: "." }, steps: [{ say: "ok" }] },
    ])
    .start({ manager: false });
  await hive.call("repo_create", {
    name: "web",
    setup: 'test "$REPO $BASE $BRANCH" = "web main main" && git status --short && cat .env > ready',
    author: "Web Team <web@example.org>",
  });
  await pushAsOperator();
  await hive.call("repo_include", { name: "web", path: ".env", content: Buffer.from("KEY=1").toString("base64") });
});
afterAll(() => hive.dispose());

/** The operator's first commit, by its own git over HTTP. */
async function pushAsOperator(): Promise<void> {
  const { url, token } = await hive.call("repo_token", { name: "web" });
  const folder = join(hive.folder, "web");
  mkdirSync(folder);
  writeFileSync(join(folder, "README.md"), "hello\n");
  writeFileSync(join(folder, ".gitignore"), "ready\n");
  writeFileSync(join(folder, "CLAUDE.md"), "Use tabs.\n");
  mkdirSync(join(folder, ".claude", "skills", "build"), { recursive: true });
  writeFileSync(join(folder, ".claude", "skills", "build", "SKILL.md"), "Run make.\n");
  const address = url.replace("http://", `http://operator:${token}@`);
  for (const argv of [
    ["init", "-q", "-b", "main"],
    ["add", "-A"],
    ["commit", "-q", "-m", "Say hello"],
    ["push", "-q", address, "main"],
  ])
    expect(await runIn(folder, "git", argv), argv[0]).toMatchObject({ code: 0, err: "" });
}

async function ask(agent: string, text: string): Promise<string> {
  const { sent } = await hive.call("send", { to: agent, body: text });
  const answer = await hive.untilMessage((message) => message.to === "operator" && message.in_reply_to === sent[0]?.id);
  return answer.body ?? "";
}

test("an agent finds its workspace ready, and pushes a branch that another agent sees", async () => {
  await hive.call("spawn", { name: "scout", config: { repos: [{ name: "web" }] } });
  expect(await ask("scout", "look")).toBe("/work/web\n## main...origin/main\nscout Say hello\nKEY=1");

  const pushed = await ask("scout", "work");
  expect(pushed).toContain("stored as scout/topic of web");
  expect(pushed).toContain("## topic...origin/topic\nWeb Team <web@example.org>");
  const { branches } = await hive.call("repo", { name: "web" });
  expect(branches).toMatchObject([{ agent: "scout", branch: "topic" }]);
  const { work } = await hive.untilAgent("scout", (agent) => agent.work?.[0]?.branch === "topic");
  expect(work).toEqual([{ repo: "web", branch: "topic", added: 1, removed: 0 }]);

  // What it has committed, and not what its clone was given.
  const { from, files } = await hive.call("workspace_diff", { name: "scout", repo: "web" });
  expect([from?.length, files.map(({ path, added }) => [path, added])]).toEqual([40, [["README.md", 1]]]);
  const whole = await hive.call("workspace_file", { name: "scout", repo: "web", path: "README.md" });
  expect(whole.text).toContain("\n+more\n");

  await hive.call("spawn", { name: "reader", config: { repos: [{ name: "web", access: "read", project: true }] } });
  const seen = await ask("reader", "read");
  expect(seen).toContain("Web Team Say more");
  expect(seen).toContain("reader may read web and not push to it");
  // It follows what was approved, which it cannot change. The real CLI has the skill.
  expect(await ask("reader", "follow")).toBe(
    "Use tabs.\nbuild\ntouch: cannot touch '/run/hive/project/web/x': Read-only file system",
  );
  expect(await ask("reader", "skill")).toBe("Launching skill: web:build");
});

test("an agent whose workspace is not ready takes no message until the operator has it made again", async () => {
  await hive.call("repo_set", { name: "web", setup: "echo no network; exit 7" });
  await hive.call("spawn", { name: "late", config: { repos: [{ name: "web" }] } });
  const { warnings } = await hive.untilAgent("late", (agent) =>
    agent.warnings.some((one) => one.startsWith("workspace not ready")),
  );
  expect(warnings.join()).toContain("workspace not ready: web: the set-up failed: it ended with 7: no network");
  const answer = ask("late", "look");
  await hive.untilAgent("late", (agent) => agent.unread === 1 && agent.turn === undefined);
  await expect(hive.call("workspace_retry", { name: "scout" })).rejects.toThrow("no workspace of scout waits for you");
  // The CLI that proved the generation is gone: it would take the processor from the clone and its set-up.
  await hive.call("repo_set", { name: "web", setup: "cat /proc/[0-9]*/comm | grep -x claude > ready; echo yes >> ready" });
  await hive.call("workspace_retry", { name: "late" });
  expect(await answer).toBe("/work/web\n## main...origin/main\nscout Say hello\nyes");
  expect(await hive.untilAgent("late", (agent) => agent.state === "idle")).toMatchObject({ warnings: [] });

  await hive.call("repo_set", { name: "web", setup: "exit 1" });
  await hive.call("spawn", { name: "early", config: { repos: [{ name: "web" }] } });
  await hive.untilAgent("early", (agent) => agent.warnings.length > 0);
  await hive.call("workspace_skip", { name: "early" });
  expect(await ask("early", "look")).toContain("cat: ready: No such file");
});

test("a deploy that gives an agent a repository moves its turns there, in a new session", async () => {
  await hive.call("repo_set", { name: "web", setup: "" });
  await hive.call("spawn", { name: "mover" });
  expect(await ask("mover", "where")).toBe("/state");
  const base64 = Buffer.from(JSON.stringify({ repos: [{ name: "web" }] })).toString("base64");
  const { request } = await hive.call("propose", { agent: "mover", files: [{ path: "agent.json", base64 }] });
  const { approval } = await hive.call("show", { id: request });
  await hive.call("approve", { id: request, sha: approval.sha, digest: approval.digest });
  await hive.watch((event) => event.kind === "approval" && event.approval.id === request && event.approval.state === "deployed", {
    after: 0,
    kinds: ["approval"],
  });
  expect(await ask("mover", "where")).toBe("/work/web");
  const { events } = await hive.call("turn_events", { agent: "mover", limit: 500 });
  const sessions = events.flatMap(({ event }) => (event.type === "session" ? event.session_id : []));
  expect(new Set(sessions).size).toBe(2);
  expect(events.flatMap(({ event }) => (event.type === "note" ? event.text : []))).toEqual([
    "turns begin in /work/web now, not in /state: a new session begins",
  ]);
});
