import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";

let system: TestSystem;
let folder: string;

beforeEach(async () => {
  system = await openTestSystem();
  folder = join(system.paths.state, "..");
  await system.work.start();
  await system.work.makeSample();
});
afterEach(() => system.close());

/** The same hive after a restart. `damage` happens in between. */
async function restarted(damage: () => void): Promise<TestSystem> {
  damage();
  return openTestSystem({ folder, onUnexpected: (error) => void unexpected.push(String(error)) });
}
const unexpected: string[] = [];

test.each([
  ["is missing", (path: string) => rmSync(path, { recursive: true })],
  ["has a ref that names nothing", (path: string) => writeFileSync(join(path, "refs", "heads", "main"), `${"1".repeat(40)}\n`)],
  [
    "has a tag that names nothing",
    (path: string) => {
      mkdirSync(join(path, "refs", "tags"), { recursive: true });
      writeFileSync(join(path, "refs", "tags", "v1"), `${"1".repeat(40)}\n`);
    },
  ],
])("a repository that %s stops its own queues and nothing else", async (_, damage) => {
  await system.work.repositories.create("fine", {});
  const path = system.work.repositories.folder("greeter");
  await system.system.close();
  const other = await restarted(() => damage(path));
  try {
    await other.work.start();
    expect(other.work.repositories.find("fine")).toBeDefined();
    expect(() => other.work.repositories.get("greeter")).toThrow("cannot be read");
    const views = other.work.repositories.all().map((repo) => other.work.repositories.view(repo));
    expect(views.find(({ name }) => name === "greeter")).toMatchObject({
      queues: [{ base: "main", state: "stopped", reason: expect.stringContaining("restore its folder") }],
    });
    await other.work.repositories.remove("greeter");
    expect(other.work.repositories.all().map(({ name }) => name)).toEqual(["fine"]);
    expect(unexpected.splice(0)).toHaveLength(1);
  } finally {
    await other.system.close();
  }
});

test("a new repository has nothing of an old one of its name", async () => {
  const { repositories } = system.work;
  mkdirSync(join(repositories.folder("old"), "refs", "heads"), { recursive: true });
  writeFileSync(join(repositories.folder("old"), "refs", "heads", "main"), `${"1".repeat(40)}\n`);
  await repositories.create("old", {});
  expect([...repositories.tips("old")]).toEqual([]);
  expect(system.unexpected).toEqual([]);
});

test("what a killed daemon has not finished is removed at the next start", async () => {
  const { repoScratch } = system.system.paths;
  await system.system.close();
  const other = await restarted(() => {
    mkdirSync(join(repoScratch, "left", "objects", "pack"), { recursive: true });
    writeFileSync(join(repoScratch, "left", "objects", "pack", "tmp_pack_x"), "half a pack");
  });
  await other.work.start();
  expect(readdirSync(repoScratch)).toEqual([]);
  await other.system.close();
});
