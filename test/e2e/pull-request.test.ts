import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ChangeView } from "../../src/wire/work.ts";
import { GitServer } from "../lib/git-server.ts";
import { GithubStandIn } from "../lib/github-stand-in.ts";
import { cleanEnv, TestHive } from "../lib/hive.ts";

const TOKEN = "ghp_7Qm2xVb4Rn9WzKcL1sYtGhJd6PfAeU3o";
const FORGE_TOKEN = "ghp_Ab3kXz9Qw7Lm2NvT5yRcHs8JdE1fGuP4";
const HIVECTL = join(import.meta.dirname, "../../dist/hivectl.js");

let hive: TestHive;
let server: GitServer;
let forge: GithubStandIn;
let aside: string;

beforeAll(async () => {
  aside = mkdtempSync(join(tmpdir(), "aside-"));
  server = await new GitServer({ token: TOKEN }).start();
  forge = new GithubStandIn(server, FORGE_TOKEN);
  server.commit("README.md", "# web\n");
  writeFileSync(join(aside, "ca.pem"), server.ca);
  const command =
    "git switch -q -c greet && echo hello > greet.txt && git add -A && git commit -qm Greet && git push -q -u origin greet";
  const input = { repo: "web", branch: "greet", title: "Greet @octocat", body: "Fixes #12, thanks @acme/team." };
  hive = await new TestHive()
    .play([
      {
        agents: ["scout"],
        when: { from: "operator", text: "^greet" },
        steps: [
          { tools: [{ name: "Bash", input: { command, description: "Work" } }] },
          { tools: [{ name: "propose_change", input }] },
          { say: "Proposed." },
        ],
      },
    ])
    .start({ manager: false });
});
afterAll(async () => {
  await hive.dispose();
  await server.stop();
  rmSync(aside, { recursive: true });
});

/** Runs hivectl while this process goes on to serve git and the API. */
function hivectl(input: string, ...argv: string[]): Promise<string> {
  const env = cleanEnv({ HIVE_STATE_DIR: hive.stateDir, HOME: hive.folder });
  const child = spawn(process.execPath, [HIVECTL, ...argv], { env, stdio: ["pipe", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(input);
  return new Promise((resolve, reject) => child.once("close", (code) => (code === 0 ? resolve(out) : reject(new Error(err)))));
}

async function until(isIt: (change: ChangeView) => boolean): Promise<ChangeView> {
  const events = await hive.watch((event) => event.kind === "change" && isIt(event.change), { after: 0, kinds: ["change"] });
  return (events.at(-1) as { change: ChangeView }).change;
}

test("a change of an agent becomes a pull request on the other host, and is merged when it is merged there", async () => {
  const address = [server.address, "--private", "--ca", join(aside, "ca.pem"), "--token-stdin"];
  // The API takes another token than git does.
  const added = ["repo", "add", "web", ...address, "--forge", "github", "--forge-token-stdin"];
  await expect(hivectl(`${TOKEN}\n`, ...added)).rejects.toThrow("standard input has to be 2 lines");
  expect(await hivectl(`${TOKEN}\n${FORGE_TOKEN}\n`, ...added)).toContain("web is added: main at");
  await hive.call("spawn", { name: "scout", config: { repos: [{ name: "web" }] } });
  await hive.call("send", { to: "scout", body: "greet" });
  const { id } = await until(({ state }) => state === "proposed");
  const { change } = await hive.call("change", { change: id });
  await hive.call("change_approve", { change: id, sha: change.sha, digest: change.digest });
  const opened = await until(({ pull_request: pull }) => pull?.state === "open");
  expect(opened).toMatchObject({ state: "in_pull_request", pull_request: { number: 7, forge: "github" } });
  expect(server.tip(forge.last.head)).toBe(change.sha);
  expect(`${forge.last.title} ${forge.last.body}`).not.toMatch(/@\w|#\d/);
  expect(forge.last.body).toContain("the agent scout");
  const shown = await hivectl("", "change", "show", String(id));
  expect(shown).toContain("in a pull request");
  expect(shown.replaceAll(/\s+/g, " ")).toContain(`pull request 7 is open: ${server.address.replace(/\.git$/, "")}/pull/7`);

  // The daemon ends while it is open, and it is merged meanwhile.
  await hive.crash();
  const commit = forge.merge(7);
  await hive.start();
  const merged = await until(({ state }) => state === "merged");
  expect(merged).toMatchObject({ merged_sha: commit, pull_request: { state: "merged" } });
  const { repo } = await hive.call("repo", { name: "web" });
  expect(repo.bases).toEqual([{ name: "main", sha: commit }]);
  const { holds, findings } = await hive.call("check", {});
  expect(findings.flatMap(({ problems }) => problems)).toEqual([]);
  expect(holds).toBe(true);
  expect([hive.output.includes(TOKEN), hive.output.includes(FORGE_TOKEN)]).toEqual([false, false]);
});
