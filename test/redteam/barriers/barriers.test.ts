import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { definitions } from "../suite.ts";
import { edited, type Edit } from "./barrier.ts";
import type { SeenRow } from "./copy.ts";
import { barriersOfPage, barriersPart, withBarriers } from "./document.ts";
import { barriers, doubled } from "./list/index.ts";
import { openedOf, verdictLine, verdictSummary, whyNot, type Verdict } from "./verdict.ts";

const ROOT = join(import.meta.dirname, "../../..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const names = [...barriers, ...doubled].map(({ name }) => name);

test("every barrier of the list is one place of the source", () => {
  const edits: [string, Edit][] = [
    ...barriers.map((one): [string, Edit] => [one.name, one]),
    ...doubled.flatMap(({ name, layers }) => layers.map((layer): [string, Edit] => [name, layer])),
  ];
  for (const [name, edit] of edits) expect(edited(read(edit.file), name, edit)).not.toBe(read(edit.file));
});

test("a barrier whose place is missing, or there twice, is an error that names it", () => {
  const edit = { file: "src/a.ts", from: "if (closed)", to: "if (false)" };
  expect(edited("a; if (closed) b;", "area-one", edit)).toBe("a; if (false) b;");
  expect(() => edited("a;", "area-one", edit)).toThrow("barrier area-one: this is 0 times in src/a.ts");
  expect(() => edited("if (closed) if (closed)", "area-one", edit)).toThrow("barrier area-one: this is 2 times");
  // `$` has no meaning in the replacement.
  expect(edited("x", "area-one", { file: "", from: "x", to: "$& $1" })).toBe("$& $1");
});

test("every row of the list exists, and names are unique", () => {
  const rows = new Set(definitions.map(({ id }) => id));
  for (const { name, opens, holds } of [...barriers, ...doubled]) {
    for (const id of [...opens, ...holds]) expect(rows, `a row of ${name}`).toContain(id);
    expect(opens.length, `rows that ${name} opens`).toBeGreaterThan(0);
    expect(holds.length, `rows that hold without ${name}`).toBeGreaterThan(0);
    expect(new Set([...opens, ...holds]).size, name).toBe(opens.length + holds.length);
  }
  expect(new Set(names).size).toBe(names.length);
  expect(doubled.every(({ layers }) => layers.length > 1)).toBe(true);
});

test("the page of campaigns has every barrier: `npm run redteam -- --barriers` writes it", () => {
  expect(barriersOfPage(read("docs/campaigns.md")).sort()).toEqual([...names].sort());
});

const row = (id: string, outcome: SeenRow["outcome"], evidence = ""): SeenRow => ({ id, outcome, evidence });

test("a removal is noticed only if its rows are open and the others hold", () => {
  const expected = { opens: ["a"], holds: ["b"] };
  expect(whyNot(expected, [row("a", "open"), row("b", "blocked")])).toBeUndefined();
  expect(whyNot(expected, [row("a", "open"), row("b", "contained")])).toBeUndefined();
  expect(whyNot(expected, [row("a", "blocked", "EPERM"), row("b", "blocked")])).toBe("still blocked a (EPERM)");
  // A hive that no longer works opens every row.
  expect(whyNot(expected, [row("a", "open"), row("b", "open", "no hive")])).toBe("also open: open b (no hive)");
});

test("the table says what was reached and what failed with other words, and counts what stands alone", () => {
  const opened = openedOf([
    row("a", "open", "it is root"),
    row("b", "open", "failed for another reason than its barrier: EBADF"),
    row("c", "blocked"),
  ]);
  expect(opened.map(({ id, reached }) => [id, reached])).toEqual([
    ["a", true],
    ["b", false],
  ]);
  const one = { name: "area-one", what: "a list | of hosts", file: "src/a.ts", from: "x", to: "", opens: ["a"], holds: ["c"] };
  const two = {
    name: "area-two",
    layers: [
      { ...one, what: "first" },
      { ...one, what: "second" },
    ],
    opens: ["a"],
    holds: ["c"],
  };
  const verdicts: Verdict[] = [
    { kind: "noticed", name: "area-one", what: one.what, opened },
    { kind: "doubled", name: "area-two", what: "", opened: opened.slice(0, 1) },
    { kind: "not noticed", name: "area-three", what: "", opened: [], why: "still blocked a ()" },
    { kind: "left out", name: "area-four", what: "", opened: [], why: "this host cannot carry out a" },
  ];
  expect(verdictSummary(verdicts)).toBe("1 of 2 removed barriers noticed");
  expect(verdictLine(verdicts[0] as Verdict)).toBe("noticed     area-one: a, b (other words)");
  expect(verdictLine(verdicts[2] as Verdict)).toBe("not noticed area-three: still blocked a ()");
  const page = withBarriers(
    "# x\n\n<!-- barriers -->\nold\n<!-- /barriers -->\n\nend\n",
    barriersPart(verdicts, { barriers: [one], doubled: [two] }),
  );
  expect(page).toContain("| `area-one` | a list \\| of hosts | `src/a.ts` | `a`, (`b`) |\n");
  expect(page).toContain("| `area-two` | first; second | `a` |\n");
  expect(page).not.toContain("old");
  expect(page.endsWith("<!-- /barriers -->\n\nend\n")).toBe(true);
  expect(barriersOfPage(page)).toEqual(["area-one", "area-two"]);
});
