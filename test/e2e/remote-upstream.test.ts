import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ChangeView } from "../../src/wire/work.ts";
import { GitServer } from "../lib/git-server.ts";
import { cleanEnv, TestHive } from "../lib/hive.ts";

/** A token that occurs nowhere by chance. */
const TOKEN = "ghp_4b1dQ9zTrVnW7xKcE2mUoYsLfA8hPjR3";
const IN_HEADER = Buffer.from(`x-access-token:${TOKEN}`).toString("base64");
const HIVECTL = join(import.meta.dirname, "../../dist/hivectl.js");

let hive: TestHive;
let server: GitServer;
/** Files that are no part of the hive: the words to look for, and a certificate. */
let aside: string;

beforeAll(async () => {
  aside = mkdtempSync(join(tmpdir(), "aside-"));
  server = await new GitServer({ token: TOKEN }).start();
  server.commit("README.md", "# web\n");
  writeFileSync(join(aside, "ca.pem"), server.ca);
  writeFileSync(join(aside, "words"), `${TOKEN}\n${IN_HEADER}\n`);
  const command =
    "git switch -q -c greet && echo hello > greet.txt && git add -A && git commit -qm Greet && git push -q -u origin greet";
  hive = await new TestHive()
    .play([
      {
        agents: ["scout"],
        when: { from: "operator", text: "^greet" },
        steps: [
          { tools: [{ name: "Bash", input: { command, description: "Work" } }] },
          { tools: [{ name: "propose_change", input: { repo: "web", branch: "greet", title: "Greet" } }] },
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

/** Runs hivectl while this process goes on to serve git. Resolves with its output, or rejects with what it says. */
function hivectl(input: string, ...argv: string[]): Promise<string> {
  const env = cleanEnv({ HIVE_STATE_DIR: hive.stateDir, HOME: hive.folder });
  const child = spawn(process.execPath, [HIVECTL, ...argv], { env, stdio: ["pipe", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(input);
  return new Promise((resolve, reject) => child.once("close", (code) => (code === 0 ? resolve(out) : reject(new Error(err)))));
}

/** The files below some folders that contain the token or the header made of it. */
function filesWithToken(...folders: string[]): string[] {
  try {
    const found = execFileSync("grep", [
      "-rlaFs",
      "--exclude-dir=proc",
      "--exclude-dir=dev",
      "-f",
      join(aside, "words"),
      ...folders,
    ]);
    return found.toString().split("\n").filter(Boolean);
  } catch (error) {
    // Nothing is found, or a file has just been removed.
    const { stdout } = error as { stdout: Buffer };
    return stdout.toString().split("\n").filter(Boolean);
  }
}

/** The processes of this host whose command line or environment has the token. */
function processesWithToken(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) =>
      ["cmdline", "environ"].flatMap((file) => {
        try {
          const text = readFileSync(`/proc/${pid}/${file}`, "latin1");
          return [TOKEN, IN_HEADER].some((word) => text.includes(word)) ? [`${pid} ${file}`] : [];
        } catch {
          // It has ended, or is another user's.
          return [];
        }
      }),
    );
}

test("during a push the token is in no cage, no command line, no environment and no file but its own", async () => {
  const address = [server.address, "--private", "--ca", join(aside, "ca.pem"), "--token-stdin"];
  expect(await hivectl(`${TOKEN}\n`, "repo", "add", "web", ...address, "--push", "after-merge")).toContain(
    "web is added: main at",
  );
  await hive.call("spawn", { name: "scout", config: { repos: [{ name: "web" }] } });
  await hive.call("send", { to: "scout", body: "greet" });
  const until = async (state: string): Promise<ChangeView> => {
    const events = await hive.watch((event) => event.kind === "change" && event.change.state === state, {
      after: 0,
      kinds: ["change"],
    });
    return (events.at(-1) as { change: ChangeView }).change;
  };
  const { id } = await until("proposed");
  const cage = await hive.cage("scout");
  const found: Record<string, string[]> = {};
  server.instead = (incoming) => {
    if (incoming.method !== "POST" || !incoming.url?.endsWith("git-receive-pack")) return false;
    const root = `/proc/${cage.init}/root`;
    // What a cage has of its own. Its programs are those of the host, read-only.
    const own = readdirSync(root).filter((name) => !/^(?:usr|bin|sbin|lib.*|nix|proc|dev|sys)$/.test(name));
    found["header"] = [String(incoming.headers.authorization === `Basic ${IN_HEADER}`)];
    found["processes"] = processesWithToken();
    found["cage"] = filesWithToken(...own.map((name) => join(root, name)));
    found["hive"] = filesWithToken(hive.folder);
    return false;
  };
  const { change } = await hive.call("change", { change: id });
  await hive.call("change_approve", { change: id, sha: change.sha, digest: change.digest });
  const merged = await until("merged");
  expect(server.tip()).toBe(merged.merged_sha);
  expect(found).toEqual({
    header: ["true"],
    processes: [],
    cage: [],
    hive: [join(hive.stateDir, "credentials", "web.json")],
  });
  expect([TOKEN, IN_HEADER].filter((word) => hive.output.includes(word))).toEqual([]);
  // The search finds what is there.
  expect(filesWithToken(aside)).toEqual([join(aside, "words")]);
  const { holds, findings } = await hive.call("check", {});
  expect(findings.flatMap(({ problems }) => problems)).toEqual([]);
  expect(holds).toBe(true);
  expect(await hivectl("", "repo", "show", "web")).toMatch(
    /login +token\n(?:.*\n)*?host +private address 127\.0\.0\.1, own authority/,
  );
});
