import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectLines } from "../../src/rpc/client.ts";
import { cleanEnv, TestHive } from "../lib/hive.ts";

/** A busy hive is backed up, and another one starts from the backup. */

const SENDERS = 64;
/** Messages that have been acknowledged before the backup begins. */
const BEFORE = 2_000;
/** Takes far longer to copy than it takes to notice a closed connection. */
const LARGE_BYTES = 192 * 1024 * 1024;
const HIVECTL = join(import.meta.dirname, "../../dist/hivectl.js");
let hive: TestHive;
let other: TestHive;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "backup-"));
  hive = await new TestHive().start();
});
afterAll(async () => {
  await hive.dispose();
  await other.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function hivectl(stateDir: string, ...argv: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [HIVECTL, ...argv], {
      env: cleanEnv({ HIVE_STATE_DIR: stateDir }),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = { code: null, out: "", err: "" };
    child.stdout.on("data", (chunk: Buffer) => (said.out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (said.err += chunk.toString()));
    child.on("close", (code) => resolve({ ...said, code }));
  });
}

test("a backup under 64 senders and deploys restores a hive with every message acknowledged before it, and intact invariants", async () => {
  await hive.call("send", { to: "hm1nd", body: "hello" });
  await hive.untilMessage((message) => message.to === "operator");
  for (const name of ["ada", "bob"]) {
    await hive.call("spawn", { name });
    await hive.call("stop", { scope: { agent_names: [name] }, graceful: false });
  }
  writeFileSync(join(await hive.folderOf("ada"), "state", "notes.md"), "mine");
  await hive.call("secret_set", { name: "NPM_TOKEN", value: "npm_0123456789" });

  const acknowledged = new Map<number, string>();
  let isOver = false;
  let enough = (): void => {};
  const reached = new Promise<void>((resolve) => (enough = resolve));
  const load = Array.from({ length: SENDERS }, async (_, sender) => {
    const client = await connectLines(hive.socket, { ordered: true });
    for (let n = 0; !isOver; n++) {
      const body = `${sender}-${n}`;
      // Both inboxes are limited. Senders beyond the limit are told to wait, and do.
      const sent = await client.call("send", { to: n % 2 ? "ada" : "bob", body }).catch(() => undefined);
      if (!sent) break;
      acknowledged.set(sent.sent[0]?.id ?? 0, body);
      if (acknowledged.size === BEFORE) enough();
    }
    client.close();
  });
  const deploys = (async () => {
    const client = await connectLines(hive.socket, { ordered: true });
    let deployed = 0;
    for (; !isOver; deployed++) {
      const { request } = await client.call("rebuild", { name: "bob" });
      for await (const { event } of (await connectLines(hive.socket, { ordered: true })).stream("watch", {
        after: 0,
        kinds: ["approval"],
      }))
        if (event?.kind === "approval" && event.approval.id === request && event.approval.state === "deployed") break;
    }
    client.close();
    return deployed;
  })();
  await reached;
  const before = new Map(acknowledged);
  const to = join(folder, "b");
  const taken = await hivectl(hive.stateDir, "backup", to, "--json");
  // The hive continued meanwhile.
  expect(acknowledged.size).toBeGreaterThan(before.size);
  isOver = true;
  await Promise.all(load);
  expect(taken).toMatchObject({ code: 0, err: "" });
  const { backup } = JSON.parse(taken.out) as { backup: { folder: string; agents: number; complaints: string[] } };
  expect(backup).toMatchObject({ folder: to, agents: 3 });
  // Agents' own files are copied while they are written: the CLI that a deploy tries writes into its folder.
  expect(backup.complaints.filter((one) => !/^tar: \.\/agents\/\w+\/claude\S*: file changed as we read it$/.test(one))).toEqual(
    [],
  );
  expect(await deploys).toBeGreaterThan(0);
  expect((await hivectl(hive.stateDir, "backup", to)).err).toContain("is not empty");
  expect((await hivectl(hive.stateDir, "restore", to)).err).toContain("another hive-c0re runs");
  await hive.stop({ atOnce: true });

  other = new TestHive();
  const restored = await hivectl(other.stateDir, "restore", to, "--json");
  expect(restored).toMatchObject({ code: 0 });
  expect(JSON.parse(restored.out)).toMatchObject({ restored: { state: other.stateDir, agents: 3, secrets: ["NPM_TOKEN"] } });
  const anew = await hivectl(join(other.folder, "anew"), "restore", to);
  expect(anew.out).toMatch(/^no backup has the values of its secrets: .*: NPM_TOKEN$/m);
  const again = await hivectl(other.stateDir, "restore", to);
  expect(again).toMatchObject({ code: 2, err: expect.stringMatching(/is not empty.*use --yes/) as string });
  await other.start();
  const check = await hivectl(other.stateDir, "check", "--json");
  expect(JSON.parse(check.out)).toMatchObject({ holds: true });
  expect(check.code).toBe(0);
  expect((await other.call("list", {})).agents).toEqual(["hm1nd", "ada", "bob"]);
  expect(readdirSync(join(await other.folderOf("ada"), "state"))).toContain("notes.md");

  const db = new Database(join(other.stateDir, "hive.db"), { readonly: true });
  const bodies = new Map(
    db
      .prepare<[], { id: number; body: string }>("SELECT id, body FROM messages")
      .all()
      .map((row) => [row.id, row.body]),
  );
  db.close();
  const lost = [...before].filter(([id, body]) => bodies.get(id) !== body);
  expect(lost).toEqual([]);
  expect(before.size).toBeGreaterThanOrEqual(BEFORE);
  console.log(`${before.size} messages were acknowledged before the backup began, lost ${lost.length}; ${bodies.size} are in it`);

  // It works: its manager takes its messages, in a cage of its own.
  await other.call("send", { to: "hm1nd", body: "are you there" });
  await other.untilMessage(
    (message) => message.to === "operator" && message.created_at > JSON.parse(restored.out).restored.created_at,
  );
});

test("a backup whose caller has disconnected leaves nothing", async () => {
  writeFileSync(join(await other.folderOf("ada"), "state", "large"), Buffer.alloc(LARGE_BYTES, "x"));
  const client = await connectLines(other.socket, { ordered: true });
  const to = join(folder, "given-up");
  for await (const { progress } of client.stream("backup", { to })) if (progress) break;
  await expect.poll(() => readdirSync(folder)).toEqual(["b"]);
});
