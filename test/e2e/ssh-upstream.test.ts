import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { logIn, sharedBrowser } from "../lib/browser.ts";
import { cleanEnv, TestHive } from "../lib/hive.ts";
import { SshServer } from "../lib/ssh-server.ts";

const HIVECTL = join(import.meta.dirname, "../../dist/hivectl.js");

let hive: TestHive;
let server: SshServer;

beforeAll(async () => {
  server = await new SshServer().start();
  server.commit("README.md", "# web\n");
  hive = await new TestHive().start();
});
afterAll(async () => {
  await hive.dispose();
  await server.stop();
});

/** Runs hivectl while this process goes on to serve git. Resolves with its exit code and all of its output. */
function hivectl(input: string, ...argv: string[]): Promise<{ code: number | null; text: string }> {
  const env = cleanEnv({ HIVE_STATE_DIR: hive.stateDir, HOME: hive.folder });
  const child = spawn(process.execPath, [HIVECTL, ...argv], { env, stdio: ["pipe", "pipe", "pipe"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stdin.end(input);
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, text })));
}

test("an operator follows a host over ssh, with a key of his own and with one of the hive's", async () => {
  const { fingerprint } = server.hostKey;
  const key = server.key.private;
  const add = ["repo", "add", "web", server.address, "--private"];
  // Without a terminal there is no one to compare it.
  const asked = await hivectl(key, ...add, "--key-stdin");
  expect(asked).toMatchObject({ code: 2, text: expect.stringContaining("--host-key with the fingerprint") as string });
  expect(asked.text).toContain(`the host shows the key ${fingerprint} (ssh-ed25519)`);
  const wrong = await hivectl(key, ...add, "--key-stdin", "--host-key", `SHA256:${"A".repeat(43)}`);
  expect(wrong).toMatchObject({ code: 1, text: expect.stringContaining(`the host shows ${fingerprint}`) as string });
  const added = await hivectl(key, ...add, "--key-stdin", "--host-key", fingerprint);
  expect(added).toMatchObject({ code: 0, text: expect.stringContaining("web is added: main at") as string });
  const shown = await hivectl("", "repo", "show", "web");
  expect(shown.text).toContain(`${fingerprint} (ssh-ed25519)`);

  server.changeHostKey();
  expect((await hivectl("", "repo", "fetch", "web")).text).toContain(server.hostKey.fingerprint);
  const trusted = await hivectl("", "repo", "trust", "web", "--yes");
  expect(trusted).toMatchObject({ code: 0, text: expect.stringContaining(`so far it had to show ${fingerprint}`) as string });
  expect(await hivectl("", "repo", "fetch", "web")).toMatchObject({ code: 0 });

  const own = ["repo", "add", "api", server.address, "--private", "--new-key", "--yes"];
  const first = await hivectl("", ...own);
  expect(first).toMatchObject({ code: 1, text: expect.stringContaining("refuses the key") as string });
  const [publicKey = ""] = /^ssh-ed25519 \S+ hive-api$/m.exec(first.text) ?? [];
  server.authorize(server.key.public, publicKey);
  expect(await hivectl("", ...own)).toMatchObject({ code: 0, text: expect.stringContaining("api is added") as string });

  // The key of the operator is in its own file, and in no other file of the hive, nor in its log.
  const { secret } = server.key;
  const files = readdirSync(hive.stateDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  expect(files.filter((file) => readFileSync(file).includes(secret))).toEqual([join(hive.stateDir, "credentials", "web.json")]);
  expect(hive.output).not.toContain(secret);
});

test("an admin adds one on the page, once the host knows the key that the page shows", async () => {
  const { page, context } = await logIn(await sharedBrowser(), hive);
  await page.goto(`${hive.home}/work?open=repo`);
  const dialog = page.getByRole("dialog", { name: "add a repository" });
  await dialog.getByLabel("name", { exact: true }).fill("paged");
  await dialog.getByLabel(/^address/).fill(server.address);
  await dialog.getByLabel(/private address/).check();
  await dialog.getByRole("button", { name: "next: ask the host" }).click();
  await dialog.getByText(server.hostKey.fingerprint).waitFor();
  const add = dialog.getByRole("button", { name: "trust this host and add" });
  await add.click();
  await dialog.getByText("refuses the key").waitFor();
  server.authorize(server.key.public, await dialog.getByLabel(/^the hive’s key/).inputValue());
  await add.click();
  await page.getByRole("heading", { name: "paged" }).waitFor();
  await page.getByRole("button", { name: "fetch now" }).click();
  await page.getByText("nothing is new").waitFor();
  await context.close();
});
