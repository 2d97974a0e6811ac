// `npm run check`: format, lint, types and dead code, in parallel. Reports all errors, not only the first.
import { ROOT, exec } from "./lib.mjs";
import { join } from "node:path";
import { runScript, setUp } from "./setup.mjs";

const CHECKS = [
  { name: "format", program: "oxfmt", argv: ["--check", "."] },
  { name: "lint", program: "oxlint", argv: ["--type-aware", "--deny-warnings"] },
  { name: "types", program: "tsc", argv: ["--noEmit"] },
  { name: "dead code", program: "knip", argv: [] },
];

await runScript(async () => {
  if (!(await setUp())) return;
  const results = await Promise.all(
    CHECKS.map(async ({ name, program, argv }) => {
      try {
        await exec(join(ROOT, "node_modules", ".bin", program), argv);
        return { name, ok: true, words: "" };
      } catch (error) {
        return { name, ok: false, words: error.message };
      }
    }),
  );
  for (const { name, ok, words } of results) console.log(ok ? `✓ ${name}` : `✗ ${name}\n${words}`);
  if (results.some(({ ok }) => !ok)) process.exitCode = 1;
});
