// Stores the compiled code of a built program, and of all its parts, beside them: `node <flags> scripts/code-cache.mjs
// <program.cjs> <a part>…`. The program prints its help, so that what runs at every start is compiled. V8 takes the code
// only with the flags of this process.
import { renameSync, writeFileSync } from "node:fs";
import { CACHE_SUFFIX, cacheOf, loadProgram } from "../src/starter/load.ts";

const [program, ...parts] = process.argv.slice(2);
const scripts = new Map();

process.argv.splice(1, process.argv.length, program, "--help");
process.on("exit", () => {
  for (const [file, script] of scripts) {
    // A program that starts meanwhile finds the whole code or none.
    const made = `${file}${CACHE_SUFFIX}.new`;
    writeFileSync(made, cacheOf(file, script));
    renameSync(made, file + CACHE_SUFFIX);
  }
});

const load = loadProgram(program, (file, script) => scripts.set(file, script));
for (const part of parts) load(part);
