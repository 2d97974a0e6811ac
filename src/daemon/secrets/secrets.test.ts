import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../../test/lib/system.ts";
import type { CallerContext } from "../handlers/types.ts";
import type { AgentConfig } from "../../wire/config.ts";
import { parseOrThrow } from "../../wire/error.ts";
import { operations, type OperationName } from "../../wire/operations.ts";
import { mayCall, ROLES, type Role } from "../../wire/roles.ts";
import { MAX_SECRET_BYTES } from "../../wire/secrets.ts";
import { SecretFiles } from "./secret-files.ts";

const VALUE = "npm_0123456789abcdef";
let folder: string;
let system: TestSystem;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "secrets-"));
  system = await openTestSystem({ folder });
});
afterEach(async () => {
  expect(system.unexpected).toEqual([]);
  await system.close();
  rmSync(folder, { recursive: true });
});

const set = (name: string, value = VALUE) => system.callAs(system.operator, "secret_set", { name, value });
const listed = async () => (await system.callAs(system.operator, "secrets", {})).secrets;
const kept = (): string => join(folder, "s", "secrets");

/** Spawns an agent with secrets in its config. */
async function spawn(name: string, config: Partial<AgentConfig>) {
  const request = await system.requests.spawn({ name, config, by: "operator", origin: "spawn" });
  await system.deploys.finished(request.id);
  return { request: request.id, agent: system.system.swarm.byName(name) };
}

/** A harness of an agent that has said hello, with what it was assigned. */
async function harnessOf(name: string) {
  const agent = system.system.swarm.byName(name);
  const caller: Extract<CallerContext, { kind: "agent" }> = {
    kind: "agent",
    agent,
    connection: { push: () => true, ended: new AbortController().signal } as never,
    harness: undefined,
    becomeHarness: (session) => void (caller.harness = session),
  };
  const assignment = await system.callAs(caller, "hello", {
    protocol: 3,
    revision: "r1",
    generation: agent.generation,
    instance: "instance-1",
  });
  return { assignment, caller };
}

describe("the store", () => {
  test("keeps a value in a file of the daemon's user alone, and in nothing else that the hive stores", async () => {
    const { secret } = await set("NPM_TOKEN");
    expect(secret).toMatchObject({ name: "NPM_TOKEN", set_by: "operator", uses: [] });
    expect(statSync(kept()).mode & 0o777).toBe(0o700);
    expect(statSync(join(kept(), "NPM_TOKEN")).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(await listed())).not.toContain(VALUE);
    const { entries } = await system.callAs(system.operator, "audit", { kind: "secret_set" });
    expect(entries).toMatchObject([{ actor: "operator", detail: { secret: "NPM_TOKEN", replaced: false } }]);
    for (const name of readdirSync(join(folder, "s")).filter((one) => one.startsWith("hive.db")))
      expect(readFileSync(join(folder, "s", name)).includes(VALUE), name).toBe(false);
  });

  test("is read by the next daemon, which closes it to others and removes what a cut write has left", async () => {
    await set("GH");
    chmodSync(join(kept(), "GH"), 0o644);
    writeFileSync(join(kept(), "GH.new"), "half");
    mkdirSync(join(kept(), "odd"));
    const files = new SecretFiles(kept());
    expect([files.names(), files.valueOf("GH")]).toEqual([["GH"], VALUE]);
    expect(readdirSync(kept())).toEqual(["GH"]);
    expect(statSync(join(kept(), "GH")).mode & 0o777).toBe(0o600);
  });

  test("has what systemd passes before its own, and neither sets nor removes that", async () => {
    const credentials = join(folder, "credentials");
    mkdirSync(credentials);
    writeFileSync(join(credentials, "secret.GH"), `${VALUE}\n`, { mode: 0o400 });
    for (const [name, text] of [
      ["secret.gh", "x"],
      ["GH", "x"],
      ["secret.EMPTY", "\n"],
      ["secret.NUL", "a\0b"],
      ["other", "x"],
    ] as const)
      writeFileSync(join(credentials, name), text);
    await set("GH", "an-older-value");
    await set("PYPI");
    await system.close();
    system = await openTestSystem({ folder, settings: { CREDENTIALS_DIRECTORY: credentials } });
    expect(await listed()).toEqual([
      { name: "GH", uses: [], systemd: true },
      expect.objectContaining({ name: "PYPI", set_by: "operator" }),
    ]);
    expect(new SecretFiles(kept(), credentials).valueOf("GH")).toBe(VALUE);
    await expect(set("GH")).rejects.toThrow("GH is a credential that systemd passes to the daemon (secret.GH): change its file");
    // What an agent may still say is hidden, too.
    expect(system.system.secrets.valuesOf(["GH"]).map(({ value }) => value)).toEqual([VALUE, "an-older-value"]);
    // The service does not pass it any more.
    await system.close();
    system = await openTestSystem({ folder, settings: { CREDENTIALS_DIRECTORY: join(folder, "none") } });
    expect(await listed()).toMatchObject([{ name: "GH", set_by: "operator" }, { name: "PYPI" }]);
    expect(new SecretFiles(kept()).valueOf("GH")).toBe("an-older-value");
  });

  test("of its own is removed from under one of systemd's, which stays", async () => {
    const credentials = join(folder, "credentials");
    mkdirSync(credentials);
    writeFileSync(join(credentials, "secret.GH"), VALUE);
    await set("GH", "an-older-value");
    await system.close();
    system = await openTestSystem({ folder, settings: { CREDENTIALS_DIRECTORY: credentials } });
    const remove = () => system.callAs(system.operator, "secret_remove", { name: "GH" });
    expect(await remove()).toEqual({ stays: true });
    expect(existsSync(join(kept(), "GH"))).toBe(false);
    expect(await listed()).toEqual([{ name: "GH", uses: [], systemd: true }]);
    expect(system.system.secrets.valuesOf(["GH"]).map(({ value }) => value)).toEqual([VALUE, "an-older-value"]);
    await expect(remove()).rejects.toThrow("then restart the service");
    await set("PYPI");
    expect(await system.callAs(system.operator, "secret_remove", { name: "PYPI" })).toEqual({});
  });

  test("has a row for a value that is missing, as after a restore", async () => {
    await set("GH");
    await system.close();
    rmSync(kept(), { recursive: true });
    system = await openTestSystem({ folder });
    expect(await listed()).toMatchObject([{ name: "GH", missing: true, set_by: "operator" }]);
  });

  test("is not in a backup", async () => {
    await set("GH");
    const to = join(folder, "backup");
    await system.backups.take(to, new AbortController().signal, () => {});
    const files = readdirSync(to, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    expect(files.length).toBeGreaterThan(3);
    for (const one of files) {
      const bytes = readFileSync(join(one.parentPath, one.name));
      expect([bytes.includes(VALUE), bytes.includes("secrets/GH")], one.name).toEqual([false, false]);
    }
  });

  test.each<[string, object, RegExp]>([
    ["an empty value", { value: "" }, /^value: a secret is not empty$/],
    ["a NUL", { value: `${VALUE}\0` }, /^value: a secret has no NUL character/],
    ["more than its bytes", { value: "ü".repeat(MAX_SECRET_BYTES) }, /^value: a secret has at most 16384 bytes$/],
    ["a name that is no variable", { name: "../GH" }, /^name \("..\/GH"\): a secret's name is A-Z/],
  ])("refuses %s, and does not repeat the value", (_, wrong, words) => {
    const parse = () => parseOrThrow(operations.secret_set.input, { name: "GH", value: VALUE, ...wrong });
    expect(parse).toThrow(words);
    expect(parse).not.toThrow(VALUE);
  });
});

describe("a config that names a secret", () => {
  test("is refused while the hive has none of that name, and says what to do", async () => {
    await set("PYPI_TOKEN");
    await expect(spawn("scout", { secrets: ["PYPI_TOKENS"] })).rejects.toThrow(
      /there is no secret PYPI_TOKENS; did you mean PYPI_TOKEN\?; an admin keeps it with .*secret set PYPI_TOKENS/,
    );
  });

  test("is marked, and gives its cage the value with the hello of its harness", async () => {
    await set("NPM_TOKEN");
    const { request } = await spawn("scout", { secrets: ["NPM_TOKEN"] });
    const { approval } = await system.callAs(system.operator, "show", { id: request });
    expect(approval.risks).toContainEqual({
      level: "danger",
      kind: "secret",
      text: "gets the secret NPM_TOKEN as a variable: the agent can read and send this",
      path: "agent.json",
    });
    const { assignment } = await harnessOf("scout");
    expect(assignment.secrets).toEqual({ NPM_TOKEN: VALUE });
    expect(await listed()).toMatchObject([
      { name: "NPM_TOKEN", uses: [{ agent: "scout", as: "environment" }], used_at: expect.any(String) },
    ]);
  });

  test("keeps its secret: it is removed only with force, and then the agent works without and its row says so", async () => {
    await set("NPM_TOKEN");
    const { agent } = await spawn("scout", { secrets: ["NPM_TOKEN"] });
    const remove = (force: boolean) => system.callAs(system.operator, "secret_remove", { name: "NPM_TOKEN", force });
    await expect(remove(false)).rejects.toThrow("NPM_TOKEN is used by scout: propose configs without it first, or remove it");
    expect(existsSync(join(kept(), "NPM_TOKEN"))).toBe(true);
    await remove(true);
    expect(readdirSync(kept())).toEqual([]);
    expect(system.views.agent(agent).warnings).toEqual([
      expect.stringMatching(/^secret missing: NPM_TOKEN; .*secret set NPM_TOKEN/),
    ]);
    expect((await harnessOf("scout")).assignment.secrets).toEqual({});
    expect(await listed()).toEqual([{ name: "NPM_TOKEN", missing: true, uses: [{ agent: "scout", as: "environment" }] }]);
    await set("NPM_TOKEN");
    expect(system.views.agent(agent).warnings).toEqual([]);
    await expect(remove(true)).resolves.toEqual({});
    await expect(system.callAs(system.operator, "secret_remove", { name: "OTHER" })).rejects.toThrow("there is no secret OTHER");
  });

  test("replaces the value in all that its cage says, also an earlier value that the cage may have", async () => {
    await set("NPM_TOKEN");
    await spawn("scout", { secrets: ["NPM_TOKEN"] });
    const { caller } = await harnessOf("scout");
    await set("NPM_TOKEN", "npm_the_next_value");
    await system.callAs(caller, "set_status", { text: `I have ${VALUE} and npm_the_next_value` });
    expect(system.system.swarm.byName("scout").record.statusText).toBe("I have [secret NPM_TOKEN] and [secret NPM_TOKEN]");
    const { sent } = await system.callAs(caller, "send", { to: "operator", body: `it is ${VALUE}` });
    const { message } = await system.callAs(system.operator, "message", { id: sent[0]?.id ?? 0 });
    expect(message.body).toBe("it is [secret NPM_TOKEN]");
    const at = new Date().toISOString();
    const event = { type: "note", level: "info", text: `echo ${VALUE}` } as const;
    await system.callAs(caller, "publish", { events: [{ n: 1, at, event }] });
    const { events } = await system.callAs(system.operator, "turn_events", { agent: "scout" });
    expect(events.at(-1)?.event).toMatchObject({ text: "echo [secret NPM_TOKEN]" });
  });

  test("of another agent changes nothing in what this one says", async () => {
    await set("NPM_TOKEN");
    await spawn("scout", { secrets: ["NPM_TOKEN"] });
    await spawn("scribe", {});
    const { caller } = await harnessOf("scribe");
    await system.callAs(caller, "set_status", { text: VALUE });
    expect(system.system.swarm.byName("scribe").record.statusText).toBe(VALUE);
  });
});

test("only an admin sets and removes secrets; a viewer sees their names", () => {
  const may = (name: OperationName): Role[] => ROLES.filter((role) => mayCall(role, name));
  expect([may("secret_set"), may("secret_remove"), may("secrets")]).toEqual([["admin"], ["admin"], [...ROLES]]);
});
