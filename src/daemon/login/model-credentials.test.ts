import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../../test/lib/system.ts";
import type { AgentConfig } from "../../wire/config.ts";
import { CredentialFiles } from "./credential-files.ts";

const TOKEN = "sk-ant-oat01-0123456789abcdef";
let folder: string;
let system: TestSystem;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "credentials-"));
  system = await openTestSystem({ folder });
});
afterEach(async () => {
  expect(system.unexpected).toEqual([]);
  await system.close();
  rmSync(folder, { recursive: true });
});

const add = (name: string, value: { token: string } | { file: string } = { token: TOKEN }) =>
  system.callAs(system.operator, "credential_add", { name, ...value });
const listed = async () => (await system.callAs(system.operator, "credentials", {})).credentials;
const kept = (): string => join(folder, "s", "model-credentials");

async function spawn(name: string, config: Partial<AgentConfig>) {
  const request = await system.requests.spawn({ name, config, by: "operator", origin: "spawn" });
  await system.deploys.finished(request.id);
  return system.system.swarm.byName(name);
}
const nameFor = (id: string) => system.system.credentials.nameFor(id);
const rowOf = (name: string) => system.system.views.agent(system.system.swarm.byName(name));

test("a key is kept in a file of the daemon's user alone, and in nothing else that the hive stores or shows", async () => {
  const { credential } = await add("work");
  expect(credential).toMatchObject({ name: "work", source: "token", kind: "oauth", by: "operator", agents: [] });
  expect(statSync(kept()).mode & 0o777).toBe(0o700);
  expect(statSync(join(kept(), "work.json")).mode & 0o777).toBe(0o600);
  expect(JSON.stringify(await listed())).not.toContain(TOKEN);
  const { entries } = await system.callAs(system.operator, "audit", { kind: "credential_added" });
  expect(entries).toMatchObject([{ actor: "operator", detail: { credential: "work", replaced: false } }]);
  for (const name of readdirSync(join(folder, "s")).filter((one) => one.startsWith("hive.db")))
    expect(readFileSync(join(folder, "s", name)).includes(TOKEN), name).toBe(false);
  // The next daemon has it.
  expect(new CredentialFiles(kept()).of("work")?.credential()).toEqual({ kind: "oauth", value: TOKEN });
});

test("a file is read for each request, and one that cannot be read is a problem that does not quote it", async () => {
  const file = join(folder, "key");
  writeFileSync(file, "sk-ant-api03-one\n");
  await add("work", { file });
  const stored = () => new CredentialFiles(kept()).of("work")?.credential();
  expect(stored()).toEqual({ kind: "api-key", value: "sk-ant-api03-one" });
  writeFileSync(file, "sk-ant-api03-two\n");
  expect(stored()).toEqual({ kind: "api-key", value: "sk-ant-api03-two" });
  writeFileSync(file, "");
  expect((await listed()).find(({ name }) => name === "work")).toMatchObject({
    source: "file",
    file,
    problem: `the credential file ${file} is empty`,
  });
});

test.each([
  ["default", { token: TOKEN }, "the hive's own credential"],
  ["Work", { token: TOKEN }, "a credential's name is"],
  ["work", { token: "two words" }, "one word of printable characters"],
  ["work", { file: "key" }, "whole path"],
])("%s with %o is refused", async (name, value, words) => {
  await expect(add(name, value as { token: string })).rejects.toThrow(words);
});

describe("an agent", () => {
  test("uses the one that its config names, others the hive's own; a config that names one that is not there is refused", async () => {
    await expect(spawn("scout", { credential: "wrok" })).rejects.toThrow("there is no credential wrok");
    await add("work");
    await expect(spawn("scout", { credential: "wrok" })).rejects.toThrow("did you mean work?");
    const [scout, ada] = [await spawn("scout", { credential: "work" }), await spawn("ada", {})];
    expect([nameFor(scout.id), nameFor(ada.id)]).toEqual(["work", "default"]);
    expect((await listed()).map(({ name, agents }) => [name, agents])).toEqual([
      ["default", expect.arrayContaining(["ada"])],
      ["work", ["scout"]],
    ]);
  });

  test("keeps a credential from being removed without a word; with force its requests are refused until it is back", async () => {
    await add("work");
    const scout = await spawn("scout", { credential: "work" });
    const remove = (force: boolean) => system.callAs(system.operator, "credential_remove", { name: "work", force });
    await expect(remove(false)).rejects.toThrow("work is used by scout");
    expect(nameFor(scout.id)).toBe("work");
    await remove(true);
    expect(existsSync(join(kept(), "work.json"))).toBe(false);
    expect(() => nameFor(scout.id)).toThrow(/the credential work is missing: .*credential add work/);
    expect(rowOf("scout").warnings).toEqual([expect.stringContaining("credential missing: work")]);
    expect(await listed()).toContainEqual(expect.objectContaining({ name: "work", source: "missing", agents: ["scout"] }));
    await expect(remove(true)).rejects.toThrow("there is no credential work");
    await add("work");
    expect([nameFor(scout.id), rowOf("scout").warnings]).toEqual(["work", []]);
  });
});
