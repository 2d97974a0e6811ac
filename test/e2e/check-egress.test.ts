import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildBreakable } from "../lib/breakable.ts";
import { FileHost } from "../lib/file-host.ts";
import { cleanEnv, TestHive } from "../lib/hive.ts";

/** A check that needs the network: what the repository's settings list, and nothing else. */

const FILES = "files.example.org";
/** Fetches an address, and fails unless the answer is `hello`. */
const get = (url: string): string =>
  `node -e 'fetch("${url}").then((answer) => answer.text()).then((text) => process.exit(text === "hello" ? 0 : 3), (error) => (console.log(String(error.cause ?? error)), process.exit(4)))'`;
const CHECK = `NODE_EXTRA_CA_CERTS=authority.pem ${get(`https://${FILES}/greeting`)} && echo fetched; ${get("https://other.example.org/")}; echo "other: $?"; ${get("http://127.0.0.1:1/")}; echo "loopback: $?"; ls /run/hive`;

let breakable: Awaited<ReturnType<typeof buildBreakable>>;
let files: FileHost;
let hive: TestHive;
beforeAll(async () => {
  breakable = await buildBreakable();
  files = await new FileHost([FILES], (path) => (path === "/greeting" ? "hello" : undefined)).start();
  hive = new TestHive().play([
    {
      agents: ["scout"],
      when: { from: "operator", text: "^go" },
      steps: [
        {
          tools: [
            {
              name: "Bash",
              input: { command: "git switch -q -c a && date > a && git add a && git commit -qm A && git push -q -u origin a" },
            },
          ],
        },
        { tools: [{ name: "propose_change", input: { repo: "web", branch: "a", title: "A" } }] },
        { say: "Proposed." },
      ],
    },
  ]);
  mkdirSync(hive.stateDir, { recursive: true });
  writeFileSync(join(hive.stateDir, "web-stand-in.json"), JSON.stringify({ port: files.port, trust: files.trust }));
  await hive.start({ manager: false, dist: breakable.dist });
});
afterAll(async () => {
  await hive.dispose();
  await files.stop();
  breakable.remove();
});

test("a check reaches the hosts of its repository and no other, and its output names what was denied", async () => {
  const clone = join(hive.folder, "web");
  mkdirSync(clone);
  const git = (...argv: string[]): unknown =>
    execFileSync("git", ["-C", clone, "-c", "user.name=op", "-c", "user.email=op@hive.invalid", ...argv], {
      env: cleanEnv({ HOME: hive.folder }),
    });
  git("init", "-q", "-b", "main");
  writeFileSync(join(clone, "authority.pem"), files.trust);
  git("add", "-A");
  git("commit", "-qm", "first");
  const hivectl = (...argv: string[]): string =>
    execFileSync(process.execPath, [join(breakable.dist, "hivectl.js"), ...argv], {
      cwd: clone,
      env: cleanEnv({ HIVE_STATE_DIR: hive.stateDir, HOME: hive.folder }),
      encoding: "utf8",
    });
  hivectl("repo", "add", "web", ".", "--policy", "checks", "--check", CHECK, "--egress", FILES);
  expect(hivectl("repo", "show", "web")).toMatch(/egress +files\.example\.org/);
  await hive.call("spawn", { name: "scout", config: { repos: [{ name: "web" }] } });
  await hive.call("send", { to: "scout", body: "go" });
  const [ended] = await hive
    .watch((event) => event.kind === "change" && ["merged", "checks_failed"].includes(event.change.state), {
      after: 0,
      kinds: ["change"],
    })
    .then((events) => events.slice(-1));
  if (ended?.kind !== "change") throw new Error("unreachable");
  const log = hivectl("change", "log", String(ended.change.id));
  expect(ended.change.state, log).toBe("merged");
  expect(files.seen).toEqual([`GET ${FILES}/greeting`]);
  expect(log).toContain("fetched\n");
  expect(log).toContain("other: 4\n");
  expect(log).toContain("hyperhive: connection denied: other.example.org:443 (not listed)\n");
  expect(log).toContain("loopback: 4\n");
  expect(log).toContain("egress.sock\nobjects\noutput\n");

  // Without the list it has no network at all.
  hivectl("repo", "set", "web", "--egress", "");
  expect((await hive.call("repo", { name: "web" })).repo.egress).toEqual([]);
});
