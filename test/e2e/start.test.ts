import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectLines } from "../../src/rpc/client.ts";
import { descendants } from "../../src/os/process-tree.ts";
import { cleanEnv, isRunning, until } from "../lib/hive.ts";

/** `npm start` as a person runs it, in a checkout that has never been built. */

const ROOT = join(import.meta.dirname, "../..");
let folder: string;
let checkout: string;
/** A short path wherever the checkout is, because socket paths have a limit. */
let state: string;
let env: Record<string, string>;

beforeAll(async () => {
  // On the same file system, so that the installed packages can be linked instead of copied.
  mkdirSync(join(ROOT, ".dev"), { recursive: true });
  folder = mkdtempSync(join(ROOT, ".dev", "start-"));
  checkout = join(folder, "hyperhive");
  state = mkdtempSync(join(tmpdir(), "hive-"));
  const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  for (const file of files.split("\0").filter((name) => name !== "")) {
    mkdirSync(dirname(join(checkout, file)), { recursive: true });
    cpSync(join(ROOT, file), join(checkout, file));
  }
  execFileSync("cp", ["-al", join(ROOT, "node_modules"), join(checkout, "node_modules")]);
  // The packages are already installed: npm is not tested here.
  const { hashOfFiles } = (await import(join(ROOT, "scripts/lib.mjs"))) as {
    hashOfFiles(paths: string[]): Promise<string>;
  };
  const stamp = join(checkout, "node_modules", ".hive-stamp");
  rmSync(stamp, { force: true });
  writeFileSync(stamp, await hashOfFiles(["package-lock.json"]));
  env = cleanEnv({
    HOME: folder,
    HIVE_PORT: "0",
    HIVE_AGENT_PORTS: "off",
    HIVE_STATE_DIR: join(state, "s"),
    HIVE_AS_ROOT: "1",
    CI: "1",
  });
});
afterAll(() => {
  for (const made of [folder, state]) rmSync(made, { recursive: true, force: true });
});

interface Started {
  npm: ChildProcess;
  said(): string;
}
/** Runs `npm start` in its own process group, as a terminal does, until it prints the link. */
async function start(more: Record<string, string> = {}): Promise<Started> {
  const npm = spawn("npm", ["start"], {
    cwd: checkout,
    env: { ...env, ...more },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  npm.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  npm.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await until(() => said.includes("npx hivectl --help") || npm.exitCode !== null);
  return { npm, said: () => said };
}
/** Ctrl-C: the terminal signals everything in the foreground. */
async function interrupt({ npm }: Started): Promise<void> {
  const ended = once(npm, "close");
  process.kill(-(npm.pid ?? 0), "SIGINT");
  await ended;
}

test("npm start builds, creates the manager, prints a link that works, and Ctrl-C stops everything it started", async () => {
  const first = await start();
  expect(first.said()).toMatch(/◆ hyperhive {2}http:\/\/127\.0\.0\.1:\d+\/login#token=[\w-]{40,}\n/);
  expect(first.said()).toContain("REHEARSAL: there is no credential");
  // One token, one log-in.
  const link = new URL(/http:\S+/.exec(first.said())?.[0] ?? "");
  const enter = () =>
    fetch(`${link.origin}/api/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: link.hash.replace("#token=", "") }),
    });
  expect((await enter()).status).toBe(200);
  expect((await enter()).status).toBe(401);

  const client = await connectLines(join(state, "s/run/host.sock"), { ordered: true });
  expect((await client.call("list", {})).agents).toEqual(["hm1nd"]);
  const { sent } = await client.call("send", { to: "hm1nd", body: "hello" });
  for await (const { event } of client.stream("watch", { after: 0, kinds: ["message"] }))
    if (event?.kind === "message" && event.message.in_reply_to === sent[0]?.id) break;

  const started = [first.npm.pid ?? 0, ...descendants(first.npm.pid ?? 0)];
  // npm, its shell, the script, the daemon, two of bubblewrap, the harness, the CLI.
  expect(started.length).toBeGreaterThanOrEqual(7);
  await interrupt(first);
  expect(started.filter(isRunning)).toEqual([]);
  expect(first.said()).toMatch(/stopped\n/);
  expect(first.said()).not.toContain("unexpected");
  expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(state);

  // A second start builds nothing, and finds the hive as it was.
  const built = readdirSync(join(checkout, "dist"));
  const second = await start();
  expect(second.said()).not.toMatch(/building|installing/);
  expect(readdirSync(join(checkout, "dist"))).toEqual(built);
  const again = await connectLines(join(state, "s/run/host.sock"), { ordered: true });
  expect((await again.call("inbox", {})).messages).toHaveLength(1);
  again.close();
  await interrupt(second);
});

test("with HIVE_SETUP=print it prints what it would do, and starts nothing", async () => {
  const { npm, said } = await start({ HIVE_SETUP: "print" });
  expect(npm.exitCode).toBe(0);
  expect(said()).toContain("dist/hive-c0re serve --foreground");
  expect(said()).not.toContain("/login#token=");
});
