import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfig } from "./config.ts";
import { StoredLogin } from "./login/stored-login.ts";
import { CredentialFiles } from "./login/credential-files.ts";
import { openModelAccess } from "./model-access.ts";

let folder: string;
let stored: StoredLogin;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "access-"));
  stored = new StoredLogin(join(folder, "model-login.json"));
  await stored.keep({ token: "sk-ant-oat01-a", by: "operator", at: 0 });
});
afterEach(() => rmSync(folder, { recursive: true }));
const access = (env: Record<string, string>) =>
  openModelAccess(
    readConfig({ HIVE_STATE_DIR: folder, ...env }, { foreground: true }).upstream,
    undefined,
    stored,
    new CredentialFiles(join(folder, "others")),
  );

test.each([
  ["ANTHROPIC_API_KEY", "environment", "live"],
  ["CLAUDE_CODE_OAUTH_TOKEN", "environment", "live"],
  ["HIVE_REHEARSAL", "rehearsal", "rehearsal"],
])("%s comes before a log-in, and a log-in is refused with its name", (name, source, mode) => {
  const { credential, whyNoLogin, ...rest } = access({ [name]: name === "HIVE_REHEARSAL" ? "1" : "key" });
  expect([credential, rest.mode]).toEqual([{ source }, mode]);
  expect(whyNoLogin).toContain(name);
});

test("without them the log-in counts, and its end brings the rehearsal back without a restart", async () => {
  const open = access({ HIVE_UPSTREAM_URL: "https://model.example" });
  const login = { source: "login", by: "operator", at: "1970-01-01T00:00:00.000Z" };
  expect([open.mode, open.name, open.credentialKind("default"), open.credential]).toEqual([
    "live",
    "model.example",
    "oauth",
    login,
  ]);
  expect(open.whyNoLogin).toBeUndefined();
  await stored.remove();
  expect([open.mode, open.name, open.credentialKind("default"), open.credential]).toEqual([
    "rehearsal",
    "rehearsal",
    "api-key",
    { source: "none" },
  ]);
});

test("the requests of agents that name another credential are sent with it, while others rehearse", async () => {
  const others = new CredentialFiles(join(folder, "others"));
  await stored.remove();
  await others.keep("work", { token: "sk-ant-oat01-w", by: "operator", at: 0 });
  const { credentialKind, mode } = access({});
  expect([mode, credentialKind("default"), credentialKind("work"), credentialKind("gone")]).toEqual([
    "rehearsal",
    "api-key",
    "oauth",
    "api-key",
  ]);
});
