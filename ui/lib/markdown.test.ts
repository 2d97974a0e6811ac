import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { partsOf, type Part } from "./markdown.ts";

/** The parts in short: `p(text em(text))`. */
const shape = (parts: readonly Part[]): string =>
  parts
    .map((part) => {
      if (part.kind === "text") return JSON.stringify(part.text);
      if (part.kind === "code") return `code ${JSON.stringify(part.text)}`;
      if (part.kind === "fence") return `fence ${part.info}${JSON.stringify(part.text)}`;
      if (part.kind === "rule") return "rule";
      if (part.kind === "link") return `link ${part.href}${part.title}(${shape(part.children)})`;
      const number = part.kind === "item" && part.number !== undefined ? ` ${part.number}` : "";
      return `${part.kind}${number}(${shape(part.children)})`;
    })
    .join(" ");
const parsed = (text: string): string => shape(partsOf(text));

const PIECES = [
  "word",
  "`",
  "*",
  "**",
  "~~",
  "_",
  "#",
  "-",
  " ",
  "    ",
  ">",
  "```",
  "1.",
  "|",
  "|-|",
  "\\",
  "[",
  "](",
  ")",
  "![",
  "]: ",
  '"',
  "<",
  "</b>",
  "&amp;",
  "https://word.example",
  '[word](https://word.example "word")',
];

describe("text that models write", () => {
  test("code, strong and emphasis are parsed; text that only looks like them stays text", () => {
    expect(parsed("use `npm test` **now**, *please*")).toBe(
      'paragraph("use " code "npm test" " " strong("now") ", " em("please"))',
    );
    for (const text of ["2 * 3 * 4", "**", "`", "snake_case_name", "&lt;b&gt; &#x202e;"])
      expect(parsed(text)).toBe(`paragraph(${JSON.stringify(text)})`);
  });

  test("headings, nested lists with the numbers as written, quotes, rules and fences", () => {
    expect(parsed("# Plan\n- one\n  1. two\n  7. three\n\n> said\n\nend\n---\n```sh -e\nls **x**\n```\nlast")).toBe(
      'heading("Plan") list(item("one" list(item 1("two") item 7("three")))) quote(paragraph("said")) ' +
        'paragraph("end") rule fence sh -e"ls **x**" paragraph("last")',
    );
  });

  test("a fence ends at a line of marks alone, and one that is still being written extends to the end", () => {
    expect(parsed("```\na\n```word\nb\n````\nend")).toBe('fence "a\\n```word\\nb" paragraph("end")');
    expect(parsed("```\nhalf")).toBe('fence "half"');
  });

  test("a table, and a row with more cells than columns as it was written", () => {
    expect(parsed("| a | b |\n| - | - |\n| `1` | 2 |\n| 3 | 4 | lost |\n> | 5 |")).toBe(
      'table(row(cell("a") cell("b")) row(cell(code "1") cell("2")) row(cell("| 3 | 4 | lost |"))) quote(paragraph("| 5 |"))',
    );
    expect(parsed("> - |a|\n>   |-|\n>   |b|b|")).toBe('quote(list(item(table(row(cell("a")) row(cell("|b|b|"))))))');
    // The second row is still being written.
    expect(parsed("|a|b|\n|-|-|\n|c")).toBe('table(row(cell("a") cell("b")) row(cell("c") cell()))');
  });

  test("links lead to web pages and mail only; every other address stays text", () => {
    expect(parsed('[a **b**](https://example.com/x "of c")')).toBe('paragraph(link https://example.com/xof c("a " strong("b")))');
    expect(parsed("<mailto:a@example.com>")).toBe("paragraph(link mailto:a@example.com())");
    expect(parsed("<https://a.example> <a@a.example> [https://a.example](https://b.example)")).toBe(
      'paragraph(link https://a.example() " " link mailto:a@a.example() " " link https://b.example("https://a.example"))',
    );
    // The parser escapes some characters of an address.
    expect(parsed("<https://a.example/b`c>")).toBe("paragraph(link https://a.example/b%60c())");
    // The host is written in the letters that the browser connects to.
    expect(parsed("[x](https://\u0430pple.com)")).toBe('paragraph(link https://xn--pple-43d.com("x"))');
    for (const text of [
      "[x](javascript:alert(1))",
      "[x](JaVaScRiPt:alert(1))",
      "[x](&#106;avascript:alert(1))",
      "[x](data:text/html,x)",
      "[x](//example.com)",
      "[x](/approval/1)",
      "[x](http://)",
      "<file:///etc/passwd>",
      "[x]: https://example.com",
    ])
      expect(parsed(text)).toBe(`paragraph(${JSON.stringify(text)})`);
  });

  test("HTML is text and an image is a link", () => {
    for (const text of ["<b>bold</b>", "<img src=x onerror=alert(1)>", "<!-- hidden -->", "<script>alert(1)</script>"])
      expect(parsed(text)).toBe(`paragraph(${JSON.stringify(text)})`);
    expect(parsed("![alt](https://example.com/a.png)")).toBe('paragraph("!" link https://example.com/a.png("alt"))');
  });

  test("unseen characters are written out, also in code, addresses and titles", () => {
    const all = parsed('a\u202Eb `c\u200Bd` [e](https://x.example/&#x202e;\u200B "f&#x202e;")\n```x\u2066\n\u0000\n```');
    expect(all).not.toMatch(/[\u0000\u200B\u202E\u2066]/);
    for (const sign of ["a⟨U+202E⟩b", "c⟨U+200B⟩d", "f⟨U+202E⟩", "x⟨U+2066⟩", "␀"]) expect(all).toContain(sign);
  });

  test("no word is ever lost", () => {
    // Short lines of few pieces: fences, tables and lists that begin and end are common among them.
    const piece = fc.constantFrom(...PIECES);
    const text = fc.array(fc.array(piece, { maxLength: 4 }), { maxLength: 6 });
    fc.assert(
      fc.property(text, (lines) => {
        const written = lines.map((line) => line.join("")).join("\n");
        expect(parsed(written).split("word").length).toBe(written.split("word").length);
      }),
      { numRuns: 5_000 },
    );
  });

  const depthOf = (parts: readonly Part[]): number =>
    Math.max(0, ...parts.map((part) => ("children" in part ? 1 + depthOf(part.children) : 1)));
  const filled = (piece: string): string => piece.repeat(Math.ceil((64 * 1024) / piece.length)).slice(0, 64 * 1024 - 4) + "word";
  test.each([
    ">",
    "> ",
    "- ",
    "1. ",
    "> - ",
    "[",
    "![",
    "[a](",
    "*a **a ",
    "**a *a",
    "_a_ ",
    "~~a ",
    "`",
    "<",
    "<!--",
    "|",
    "\\",
  ])("a text full of %j is parsed whole, and nested a bounded number of times", (piece) => {
    const parts = partsOf(filled(piece));
    expect(shape(parts)).toContain("word");
    expect(depthOf(parts)).toBeLessThan(30);
  });

  test("emphasis that is opened and closed a thousand times is nested a bounded number of times, with its marks", () => {
    const parts = partsOf(`${"*a **a ".repeat(1_000)}${"a** a*".repeat(1_000)}`);
    expect(depthOf(parts)).toBeLessThan(30);
    expect(shape(parts)).toContain("*a **a *a");
  });

  test("a text that is too long, or has too many parts, is shown as it was written", () => {
    for (const text of [`**a** ${"a".repeat(70_000)}`, "- a\n".repeat(6_000)])
      expect(partsOf(text)).toEqual([{ kind: "paragraph", children: [{ kind: "text", text }] }]);
  });
});
