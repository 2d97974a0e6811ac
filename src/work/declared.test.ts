import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";

const SOURCE = "services.hive-c0re.repositories";
const folders: Record<"hive" | "etc", string> = { hive: "", etc: "" };

/** A hive whose host declares these repositories. Called again in one test, it is the same hive after a restart. */
async function hive(repositories: Record<string, object> | undefined): Promise<TestSystem> {
  if (folders.hive === "") {
    for (const name of ["hive", "etc"] as const) {
      folders[name] = mkdtempSync(join(tmpdir(), "declared-"));
      onTestFinished(() => {
        rmSync(folders[name], { recursive: true, force: true });
        folders[name] = "";
      });
    }
  }
  const file = join(folders.etc, "repositories.json");
  writeFileSync(file, JSON.stringify({ source: SOURCE, repositories }));
  const settings = repositories === undefined ? {} : { HIVE_REPOSITORIES: file };
  const system = await openTestSystem({ folder: folders.hive, settings });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await system.close();
    isOpen = false;
  };
  onTestFinished(close);
  await system.work.start();
  return { ...system, close };
}
const view = async (system: TestSystem, name: string) => (await system.callAs(system.operator, "repo", { name })).repo;
const refusal = `web is declared in the host's configuration, as ${SOURCE}.web`;

test("a declared repository is made with its settings, and says where it is declared", async () => {
  const system = await hive({ web: { base: "develop", check: "npm test" } });
  expect(await view(system, "web")).toMatchObject({
    base: "develop",
    check: "npm test",
    policy: "operator",
    declared: `${SOURCE}.web`,
  });
  await system.callAs(system.operator, "repo_create", { name: "own", check: "make" });
  expect(await view(system, "own")).not.toHaveProperty("declared");
});

test("no operator changes or removes it, or sets one up in its place", async () => {
  const system = await hive({ web: {}, later: { create: false, check: "make" } });
  const call = system.callAs.bind(undefined, system.operator);
  await expect(call("repo_set", { name: "web", check: "true" })).rejects.toThrow(`${refusal}: change it there`);
  await expect(call("repo_remove", { name: "web" })).rejects.toThrow(`${refusal}: remove it there`);
  await expect(call("repo_create", { name: "later", check: "true" })).rejects.toThrow("set it up there");
  await expect(call("repo_create", { name: "later", base: "other" })).rejects.toThrow("set it up there");
  await call("repo_create", { name: "later" });
  expect(await view(system, "later")).toMatchObject({ check: "make" });
});

test("a token for pull requests is taken where the declaration names the forge", async () => {
  const system = await hive({ web: { create: false, forge: "github" } });
  const add = (name: string): Promise<unknown> =>
    system.work.upstreams
      .addRemote(name, { address: "https://127.0.0.1:1/o/web.git", private: true, token: "a-token", forgeToken: "another" }, {})
      .catch((error: Error) => error.message);
  expect(await add("web")).not.toContain("needs --forge");
  expect(await add("own")).toContain("needs --forge");
});

test("a change of the declaration counts from the next start, and without it the repository is the operator's", async () => {
  const first = await hive({ web: { check: "one", setup: "two" } });
  await first.close();
  const second = await hive({ web: { check: "three" } });
  expect(await view(second, "web")).toMatchObject({ check: "three", setup: "" });
  await second.close();
  const third = await hive(undefined);
  const { repo } = await third.callAs(third.operator, "repo_set", { name: "web", setup: "mine" });
  expect(repo).toMatchObject({ check: "three", setup: "mine" });
  expect(repo).not.toHaveProperty("declared");
  await third.close();
});

test("an unchanged declaration writes nothing at the next start", async () => {
  const first = await hive({ web: { check: "one" } });
  const audit = (system: TestSystem) => system.callAs(system.operator, "audit", {});
  const before = await audit(first);
  await first.close();
  const second = await hive({ web: { check: "one" } });
  expect(await audit(second)).toEqual(before);
  await second.close();
});

test.each<[Record<string, object>, RegExp]>([
  [{ web: { chek: "x" } }, /HIVE_REPOSITORIES .*chek/],
  [{ "We B": {} }, /HIVE_REPOSITORIES .*We B/],
  [{ web: { policy: "reviewed" } }, /services\.hive-c0re\.repositories\.web: /],
  [{ web: { push: "after-merge" } }, /services\.hive-c0re\.repositories\.web: .*"create" to false/],
])("%j is refused at the start", async (repositories, words) => {
  await expect(hive(repositories)).rejects.toThrow(words);
});
