import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import { IncludePath, MAX_INCLUDE_BYTES, MAX_INCLUDE_FILES } from "../wire/include.ts";
import { OPERATOR } from "../wire/names.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  await system.work.start();
  await system.work.repositories.create("web", {});
});
afterAll(() => system.close());

const text = (words: string): string => Buffer.from(words).toString("base64");
const put = (path: string, content = text("x"), repo = "web") =>
  system.work.includes.put(repo, { path, content, executable: false }, "operator");
const paths = (): string[] => system.work.includes.list("web").map(({ path }) => path);

test.each(["/etc/passwd", "../x", "a/../x", "./x", "a//b", "a/", ".git/config", "sub/.GIT/hooks/x", "a\nb", "a\\b", " a", ""])(
  "%j is no path of an included file",
  (path) => expect(IncludePath.safeParse(path).success).toBe(false),
);
test.each([".env", "config/local.env", ".github/x", "..env", "my key"])("%j is one", (path) =>
  expect(IncludePath.safeParse(path).success).toBe(true),
);

test("a file is stored, replaced, listed without its content, and audited by its name", async () => {
  expect(await put(".env", text("KEY=hush"))).toMatchObject({ path: ".env", bytes: 8, executable: false });
  await put(".env", text("KEY=hush-hush"));
  await put("config/a.json");
  expect(system.work.includes.list("web")).toMatchObject([
    { path: ".env", bytes: 13 },
    { path: "config/a.json", bytes: 1 },
  ]);
  await system.work.includes.remove("web", "config/a.json", "operator");
  expect(paths()).toEqual([".env"]);
  const audit = JSON.stringify(system.system.store.ledger.audited({ before: Number.MAX_SAFE_INTEGER, limit: 20 }));
  expect(audit).toContain("include_added");
  expect(audit).toContain("include_removed");
  expect(audit).not.toMatch(new RegExp(`hush|${text("KEY=hush")}`));
  await expect(system.work.includes.remove("web", "none", "operator")).rejects.toThrow("web has no included file none");
});

test("their number and sizes are bounded, and a file is no folder of another", async () => {
  await expect(put("big", Buffer.alloc(MAX_INCLUDE_BYTES + 1).toString("base64"))).rejects.toThrow("at most 1048576");
  await put("most", Buffer.alloc(MAX_INCLUDE_BYTES).toString("base64"));
  await expect(put("most/more")).rejects.toThrow("most/more and the included file most cannot both be there");
  await put("deep/er");
  await expect(put("deep")).rejects.toThrow("cannot both be there");
  for (let n = paths().length; n < MAX_INCLUDE_FILES; n++) await put(`file-${n}`);
  await expect(put("one-more")).rejects.toThrow("64 included files, which is the most");
  await put("most");
  await expect(put("x", text("x"), "none")).rejects.toThrow("there is no repository none");
});

test("an agent gets them one after the other, of its own repositories only, until the repository is removed", async () => {
  await system.work.repositories.create("api", {});
  for (const path of ["b", ".env", "c/d"]) await put(path, text(path), "api");
  const asked = { name: "scout", config: { repos: [{ name: "api" }] } as never, by: OPERATOR, origin: "spawn" as const };
  const row = await system.requests.spawn(asked);
  expect(system.requestStore.view(row).risks.map((mark) => mark.text)).toContain("gets 3 included files of api: .env, b, c/d");
  await system.deploys.finished(row.id);
  const scout = system.system.swarm.byName("scout");
  const got: string[] = [];
  for (let file = system.work.includes.next(scout, "api"); file; file = system.work.includes.next(scout, "api", file.path))
    got.push(`${file.path}=${Buffer.from(file.content, "base64").toString()}`);
  expect(got).toEqual([".env=.env", "b=b", "c/d=c/d"]);
  expect(() => system.work.includes.next(scout, "web")).toThrow("scout has no repository web");

  await system.work.repositories.remove("web");
  await system.work.repositories.create("web", {});
  expect(paths()).toEqual([]);
});
