import { expect, test } from "vitest";
import { inert } from "./inert.ts";

/** What forges act on: names after an at, references to issues, their addresses. Entities are decoded before. */
const ACTIVE = [
  /@[A-Za-z0-9_-]/,
  /#\d/,
  /!\d/,
  /GH-\d/i,
  /\/(?:issues|pull|pulls|discussions)\/\d/,
  /&(?:#x?[0-9a-f]+;?|commat;|num;|excl;)/i,
];

test.each([
  "thanks @octocat and @acme/reviewers",
  "Fixes #12, closes acme/web#3, resolves GH-12 and gh-13",
  "see !12 and acme/web!3",
  "fixes https://github.com/acme/web/issues/12",
  "fixes https://git.lan/acme/web/pulls/12 and /ACME/Web/Pull/3",
  "&#64;octocat &commat;octocat &#x40;octocat &num;12 &#35;12",
  String.raw`\@octocat \#12`,
  String.raw`fixes _GH-12_ and GH\-12 and *gh\-13*`,
  String.raw`fixes [x](https://github.com/acme/web/issues\/12) and https://github.com/acme/web/pull\/3`,
  "GH<!-- -->-12 and https://github.com/acme/web/issues<!-- -->/12",
  "@<!-- -->octocat #<!-- -->12 GH-<!-- -->12",
  "`@octocat` in code, and (@octocat)",
  "Co-authored-by: Mallory <mallory@example.org>",
])("%s does nothing", (text) => {
  const safe = inert(text);
  expect(ACTIVE.filter((pattern) => pattern.test(safe))).toEqual([]);
  // Comments of HTML and backslashes are gone before a forge looks.
  const rendered = safe.replaceAll(/<!--.*?-->/g, "").replaceAll("\\", "");
  expect(ACTIVE.filter((pattern) => pattern.test(rendered))).toEqual([]);
  expect(safe.replaceAll("\u200B", "")).toBe(text);
});

test("what a forge does not act on stays byte for byte", () => {
  const text = "# Heading\n\n## Smaller\n\n- one & two, high-level\n- a -> b\n\n[docs](https://example.org/a), really!\n";
  expect(inert(text)).toBe(text);
});
