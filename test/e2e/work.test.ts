import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ChangeView } from "../../src/wire/work.ts";
import { cleanEnv, TestHive } from "../lib/hive.ts";

const bash = (command: string) => ({ name: "Bash", input: { command, description: "Work" } });

/** The whole path of a change, with the verbs that the operator types. */

let hive: TestHive;
let clone: string;

/** git in the operator's own clone. */
function git(...argv: string[]): string {
  return execFileSync("git", ["-C", clone, "-c", "user.name=op", "-c", "user.email=op@hive.invalid", ...argv], {
    encoding: "utf8",
    env: cleanEnv({ HOME: hive.folder, GIT_TERMINAL_PROMPT: "0" }),
  }).trim();
}

beforeAll(async () => {
  hive = await new TestHive()
    .play([
      {
        agents: ["scout"],
        when: { from: "operator", text: "^greet" },
        steps: [
          {
            tools: [
              bash(
                "pwd && git switch -q -c greet && printf 'hello\\nworld\\n' > greet.txt && sh test.sh && git add -A && git commit -qm 'Greet' && git push -q -u origin greet && git status -sb | head -1",
              ),
            ],
          },
          {
            tools: [
              { name: "propose_change", input: { repo: "web", branch: "greet", title: "Greet the world", body: "As asked." } },
            ],
          },
          { say: "Proposed." },
        ],
      },
      {
        agents: ["scout"],
        when: { from: "system", text: '"change_returned".*"comment":(?<first>\\d+).*"comment":(?<second>\\d+)' },
        steps: [
          {
            tools: [
              bash("cd /work/web && printf 'hello\\nthere\\n' > greet.txt && git commit -qam 'Greet better' && git push -q"),
            ],
          },
          {
            tools: [
              {
                name: "propose_change",
                input: {
                  repo: "web",
                  branch: "greet",
                  title: "Greet the world",
                  answers: [
                    { comment: "{{first|number}}", text: "kept" },
                    { comment: "{{second|number}}", text: "changed" },
                  ],
                },
              },
            ],
          },
          { say: "Again." },
        ],
      },
    ])
    .start({ manager: false });
  clone = join(hive.folder, "web");
  mkdirSync(clone);
  git("init", "-q", "-b", "main");
  writeFileSync(join(clone, "README.md"), "# web\n");
  writeFileSync(join(clone, "test.sh"), "test -f README.md\n");
  git("add", "-A");
  git("commit", "-qm", "first");
});
afterAll(() => hive.dispose());

const CHECK = 'test "$(head -n 1 greet.txt)" = hello && echo the greeting is right';

const HIVECTL = join(import.meta.dirname, "../../dist/hivectl.js");
/** Runs hivectl in the operator's clone. Returns its output, or throws with what it says. */
function hivectl(...argv: string[]): string {
  const env = cleanEnv({ HIVE_STATE_DIR: hive.stateDir, HOME: hive.folder });
  return execFileSync(process.execPath, [HIVECTL, ...argv], { cwd: clone, env, encoding: "utf8", stdio: "pipe" });
}

const untilChange = async (condition: (change: ChangeView) => boolean): Promise<ChangeView> => {
  const events = await hive.watch((event) => event.kind === "change" && condition(event.change), { after: 0, kinds: ["change"] });
  const last = events.at(-1);
  if (last?.kind !== "change") throw new Error("unreachable");
  return last.change;
};

test("an agent's work on the operator's repository is reviewed, checked, merged, and pulled", async () => {
  expect(hivectl("repo", "add", "web", ".", "--check", CHECK)).toContain(
    `web is added: main at ${git("rev-parse", "HEAD").slice(0, 12)}`,
  );
  await hive.call("spawn", { name: "scout", config: { repos: [{ name: "web" }] } });
  await hive.call("send", { to: "scout", body: "greet" });

  const first = await untilChange((change) => change.state === "proposed");
  expect(first).toMatchObject({
    agent: "scout",
    repo: "web",
    branch: "greet",
    base: "main",
    round: 1,
    stat: { files: 1, added: 2 },
  });
  const shown = await hive.call("change", { change: first.id });
  expect(shown.files.map(({ path, patch }) => [path, patch])).toEqual([["greet.txt", "@@ -0,0 +1,2 @@\n+hello\n+world\n"]]);
  const id = String(first.id);
  for (const [line, text] of [
    ["1", "keep this"],
    ["2", "say there"],
  ] as const)
    hivectl("change", "comment", id, text, "--file", "greet.txt", "--line", line);
  hivectl("change", "return", id);

  const second = await untilChange((change) => change.state === "proposed" && change.round === 2);
  const again = await hive.call("change", { change: first.id });
  expect(again.comments.map(({ text, answer, outdated }) => ({ text, answer, outdated }))).toEqual([
    { text: "keep this", answer: "kept", outdated: false },
    { text: "say there", answer: "changed", outdated: true },
  ]);
  // What was approved before the fix is no longer what is proposed.
  await expect(hive.call("change_approve", { change: first.id, sha: first.sha })).rejects.toThrow("look again");
  hivectl("repo", "remote", "web", "--add");
  expect(hivectl("change", "checkout", id, "../review")).toContain("It is not reviewed");
  expect(git("-C", "../review", "show", "HEAD:greet.txt")).toBe("hello\nthere");
  expect(hivectl("change", "approve", id, "--sha", second.sha, "--wait")).toContain("merged\n");
  const merged = await untilChange((change) => change.state === "merged");
  expect(hivectl("change", "log", id)).toContain("the greeting is right\n");

  git("pull", "-q", "--ff-only", "hive", "main");
  expect(git("rev-parse", "HEAD")).toBe(merged.merged_sha);
  expect(git("show", "-s", "--format=%an %cn %(trailers:key=Hive-Change,valueonly)", "HEAD").trim()).toContain("hyperhive");
  expect(git("show", "HEAD:greet.txt")).toBe("hello\nthere");
  const { holds, findings } = await hive.call("check", {});
  expect(findings.flatMap(({ problems }) => problems)).toEqual([]);
  expect(holds).toBe(true);
});

test("a repository follows its folder until it is removed", () => {
  // Another name for the same folder shares its export.
  hivectl("repo", "add", "copy", clone);
  git("commit", "-q", "--allow-empty", "-m", "next");
  const tip = git("rev-parse", "HEAD").slice(0, 12);
  expect(hivectl("repo", "fetch", "copy")).toMatch(new RegExp(`^main moved from [0-9a-f]{12} to ${tip}\n$`));
  expect(hivectl("repo", "fetch", "web")).toContain(`to ${tip}\n`);
  expect(hivectl("repo", "show", "copy")).toContain(`base       main  ${tip}\n`);
  expect(() => hivectl("repo", "remove", "web", "--yes")).toThrow("scout uses the repository web");
  expect(hivectl("repo", "remove", "copy", "--yes")).toContain("copy is removed");
  expect(hivectl("repo", "list")).not.toContain("copy");
});
