import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Words that docs/glossary.md has replaced, as they would stand in text for people. */
const REPLACED = [/\bapply_commit\b/, /\boffline\b/, /\bkilled\b/, /\bcontainers?\b/i];
/** Text that may have them: names of the wire in code, and what is not about an agent or a request. */
const ALLOWED: Record<string, readonly RegExp[]> = {
  // The daemon's own process is no agent.
  "src/cli/exit.ts": [/killed/],
};
/** A whole string that is a name of the wire or of a style, not words. */
const NAME = /^[a-z_:.\-[\]="/ ]*$|^[^ ]*$/;

/** What a source file shows: texts of elements, and string literals of more than one word. */
function shown(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, "").replace(/^import .*$/gm, "");
  const literals = [...code.matchAll(/"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)].map(([, plain, template]) =>
    (plain ?? template ?? "").replace(/\$\{[^}]*\}/g, "…"),
  );
  const elements = [...code.matchAll(/>([^<>{}=;()]+)</g)].map(([, words]) => words ?? "");
  return [...literals.filter((words) => !NAME.test(words) || / /.test(words)), ...elements];
}

test("pages and terminal use the words of the glossary", () => {
  const found: string[] = [];
  const files = ["ui", "src/cli"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  for (const file of files) {
    if (!/\.tsx?$/.test(file) || file.endsWith(".test.ts")) continue;
    for (const words of shown(readFileSync(file, "utf8")))
      for (const word of REPLACED)
        if (word.test(words) && !(ALLOWED[file] ?? []).some((one) => one.test(words))) found.push(`${file}: ${words}`);
  }
  expect(found).toEqual([]);
});
