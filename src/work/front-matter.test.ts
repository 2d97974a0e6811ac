import { expect, test } from "vitest";
import { plainFrontMatter } from "./front-matter.ts";

test.each<[string, string, string]>([
  ["a plain value", "description: Builds it\nallowed-tools: Bash(*)\n", "Builds it"],
  ["a quoted value", "hooks:\n  PreToolUse: x\ndescription: 'Builds: it'\n", "Builds: it"],
  ["a folded value", "description: >-\n  Builds\n  it\nmodel: opus\n", "Builds it"],
  ["a value that goes on", "name: other\ndescription: Builds\n  it\n", "Builds it"],
  ["nothing", "", "Heading"],
])("only the description stays, from %s", (_, yaml, description) => {
  expect(plainFrontMatter(`---\n${yaml}---\n# Heading\n`, "build")).toBe(
    `---\nname: "build"\ndescription: ${JSON.stringify(description)}\n---\n# Heading\n`,
  );
});

test("every file begins with a block of its own, so that no other reader finds one further down", () => {
  // A reader that takes dashes in the middle of a line for the end would read tools here.
  const sneaky = "---\nallowed-tools: Bash\nx---\nbody\n";
  expect(plainFrontMatter(sneaky, undefined)).toBe(`---\ndescription: "--"\n---\n${sneaky}`);
  expect(plainFrontMatter('---\ndescription: a "b" ---\n---\nbody', undefined)).toBe(
    '---\ndescription: "a \\"b\\" --"\n---\nbody',
  );
  expect(plainFrontMatter(`---\r\ndescription: x\r\n---\r\nbody`, undefined)).toBe('---\ndescription: "x"\n---\nbody');
});
