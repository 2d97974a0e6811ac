import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { boundaryPage, rowsOfPage } from "./document.ts";
import { readOptions } from "./options.ts";
import { resultOf, type Definition } from "./result.ts";
import { definitions } from "./suite.ts";
import { summary } from "./table.ts";

const byId = (rows: readonly Definition[]): Definition[] =>
  rows.map(({ id, from, attempt, barrier }) => ({ id, from, attempt, barrier })).sort((a, b) => (a.id < b.id ? -1 : 1));

const row = {
  id: "web-host",
  from: "web",
  attempt: "name a host",
  barrier: "a list | of hosts",
  refusal: /421 not served/,
} as const;

test("the page has the rows of the code: `npm run redteam` writes it", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/boundary.md"), "utf8");
  expect(rowsOfPage(page)).toEqual(byId(definitions));
  expect(page).not.toMatch(/\| open \|/);
});

test("every row has an id of its own, in an area", () => {
  const ids = definitions.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[a-z]+(?:-[a-z0-9]+)+$/);
});

test("the page has the words of a barrier, and nothing of one run", () => {
  const blocked = resultOf(row, { outcome: "blocked", evidence: "421 not served as 127.0.0.1:40811" });
  const contained = resultOf(
    { ...row, id: "web-own", contained: "it is its own" },
    { outcome: "contained", evidence: "pid 4711" },
  );
  const page = boundaryPage([contained, blocked]);
  expect(page).toContain("| `web-host` | web | name a host | a list \\| of hosts | blocked | 421 not served |\n");
  expect(page).toContain("| contained | it is its own |\n");
  expect(page).not.toMatch(/4711|40811/);
  expect(page.indexOf("`web-host`")).toBeLessThan(page.indexOf("`web-own`"));
  expect(rowsOfPage(page)).toEqual(byId([blocked, contained]));
});

test("the last line counts what held", () => {
  const outcomes = (["blocked", "contained", "open"] as const).map((outcome) => resultOf(row, { outcome, evidence: "" }));
  expect(summary(outcomes)).toBe("3 attempted, 2 blocked or contained");
});

test("options choose rows by a pattern, and what is wrong with them is said", () => {
  const rows = [row, { ...row, id: "user-host" }];
  const chosen = (...argv: string[]): string[] => rows.filter(readOptions(argv, rows).isChosen).map(({ id }) => id);
  expect(chosen()).toEqual(["web-host", "user-host"]);
  expect(chosen("--only", "^web-")).toEqual(["web-host"]);
  expect(readOptions(["--json"], rows)).toMatchObject({ isWhole: true, json: true, help: false });
  expect(readOptions(["--only", "host"], rows).isWhole).toBe(false);
  expect(() => readOptions(["--only", "wab"], rows)).toThrow("no row matches --only wab; the ids begin with web, user");
  expect(() => readOptions(["--only", "("], rows)).toThrow("--only ( is no pattern");
  expect(() => readOptions(["--olny", "web"], rows)).toThrow("--olny");
});

test("options choose barriers by name, and what is wrong with them is said", () => {
  const read = (...argv: string[]) => readOptions(argv, [row], ["egress-list", "web-host"]);
  expect(read().barriers).toBeUndefined();
  expect(read("--barriers").barriers).toEqual([]);
  expect(read("--barriers", "web-host", "--json")).toMatchObject({ barriers: ["web-host"], json: true });
  expect(() => read("--barriers", "web-hots")).toThrow("there is no barrier web-hots; there are egress-list, web-host");
  expect(() => read("--barriers", "--only", "web")).toThrow("--barriers chooses its rows itself");
  expect(() => read("web-host")).toThrow("web-host");
});
