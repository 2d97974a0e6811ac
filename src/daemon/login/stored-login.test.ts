import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { StoredLogin } from "./stored-login.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stored-login-"));
  file = join(folder, "model-login.json");
});
afterEach(() => rmSync(folder, { recursive: true }));
const content = { token: "sk-ant-oat01-a", by: "operator", at: 1_000 };

test("a kept token is for the daemon's user alone, and the next daemon has it", async () => {
  await new StoredLogin(file).keep(content);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const next = new StoredLogin(file);
  expect([next.exists, next.token(), next.about]).toEqual([true, content.token, { by: "operator", at: 1_000 }]);
});

test("a file that others could read is closed at the start", async () => {
  await new StoredLogin(file).keep(content);
  chmodSync(file, 0o644);
  expect(new StoredLogin(file).exists).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("a file that cannot be read is a log-in that does not work, and the error does not quote it", () => {
  writeFileSync(file, '{"token": sk-ant-oat01-secret');
  const stored = new StoredLogin(file);
  expect(stored.exists).toBe(true);
  expect(() => stored.token()).toThrow(/cannot be read: log in again/);
  expect(() => stored.token()).not.toThrow(/secret/);
});

test("after a log-out nothing is left", async () => {
  const stored = new StoredLogin(file);
  await stored.keep(content);
  await stored.remove();
  expect([stored.exists, existsSync(file), existsSync(`${file}.new`)]).toEqual([false, false, false]);
  expect(() => stored.token()).toThrow(/there is no log-in/);
});

test("a new token replaces the old one", async () => {
  const stored = new StoredLogin(file);
  await stored.keep(content);
  await stored.keep({ ...content, token: "sk-ant-oat01-b" });
  expect(stored.token()).toBe("sk-ant-oat01-b");
  expect(readFileSync(file, "utf8")).not.toContain(content.token);
});
