import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectLines } from "../../src/rpc/client.ts";
import type { Input } from "../../src/wire/operations.ts";
import type { ChangeView, RepoView } from "../../src/wire/work.ts";
import { cleanEnv, TestHive } from "../lib/hive.ts";

const bash = (command: string) => ({ name: "Bash", input: { command, description: "Work" } });

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
    .start();
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

/** Adds a repository over a connection of its own, because a stream takes the whole connection. */
async function added(input: Input<"repo_add">): Promise<RepoView | undefined> {
  const client = await connectLines(hive.socket, { ordered: true });
  try {
    for await (const { repo } of client.stream("repo_add", input)) if (repo) return repo;
    return undefined;
  } finally {
    client.close();
  }
}

const untilChange = async (condition: (change: ChangeView) => boolean): Promise<ChangeView> => {
  const events = await hive.watch((event) => event.kind === "change" && condition(event.change), { after: 0, kinds: ["change"] });
  const last = events.at(-1);
  if (last?.kind !== "change") throw new Error("unreachable");
  return last.change;
};

test("an agent's work on the operator's repository is reviewed, checked, merged, and pulled", async () => {
  const nonce = randomBytes(16).toString("hex");
  writeFileSync(join(clone, ".git", "hive-export"), nonce);
  const repo = await added({ name: "web", folder: join(clone, ".git"), nonce, check: CHECK });
  expect(repo).toMatchObject({ name: "web", base: "main", bases: [{ name: "main", sha: git("rev-parse", "HEAD") }] });
  await hive.call("spawn", { name: "scout", config: { repos: [{ name: "web" }] } as never });
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
  for (const [line, quote, text] of [
    [1, "hello", "keep this"],
    [2, "world", "say there"],
  ] as const)
    await hive.call("change_comment", { change: first.id, path: "greet.txt", line, side: "new", quote, text });
  await hive.call("change_return", { change: first.id });

  const second = await untilChange((change) => change.state === "proposed" && change.round === 2);
  const again = await hive.call("change", { change: first.id });
  expect(again.comments.map(({ text, answer, outdated }) => ({ text, answer, outdated }))).toEqual([
    { text: "keep this", answer: "kept", outdated: false },
    { text: "say there", answer: "changed", outdated: true },
  ]);
  // What was approved before the fix is no longer what is proposed.
  await expect(hive.call("change_approve", { change: first.id, sha: first.sha })).rejects.toThrow("look again");
  await hive.call("change_approve", { change: first.id, sha: second.sha, digest: second.digest });
  const merged = await untilChange((change) => change.state === "merged");
  const { lines } = await hive.call("change_log", { change: first.id });
  expect(lines.join("\n")).toContain("the greeting is right");

  const { url, token } = await hive.call("repo_token", { name: "web" });
  const remote = url.replace("http://", `http://hive:${token}@`);
  git("pull", "-q", "--ff-only", remote, "main");
  expect(git("rev-parse", "HEAD")).toBe(merged.merged_sha);
  expect(git("show", "-s", "--format=%an %cn %(trailers:key=Hive-Change,valueonly)", "HEAD").trim()).toContain("hyperhive");
  expect(git("show", "HEAD:greet.txt")).toBe("hello\nthere");
  const { holds, findings } = await hive.call("check", {});
  expect(findings.flatMap(({ problems }) => problems)).toEqual([]);
  expect(holds).toBe(true);
});
