// What the campaigns share: programs over the product's own source, bundled as the product is.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "./lib.mjs";

/** Words for "this machine cannot do that"; the exit code says the same to a test. */
export const CANNOT = 77;
export function cannot(words) {
  console.log(`cannot: ${words}`);
  process.exit(CANNOT);
}

/** Reads `--name value` options, with the defaults that say which there are. */
export function options(defaults) {
  const known = Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, { type: "string", default: value }]));
  return parseArgs({ options: known }).values;
}

/**
 * Bundles `test/campaigns/<name>.ts` and returns the file. `change` replaces a text of the source, for a control
 * that must fail: it throws when the text is not there.
 */
export async function bundleCampaign(name, change) {
  const { rolldown } = await import("rolldown");
  let changed = 0;
  const bundle = await rolldown({
    input: join(ROOT, "test/campaigns", `${name}.ts`),
    platform: "node",
    external: ["better-sqlite3"],
    cwd: ROOT,
    logLevel: "warn",
    plugins: change
      ? [
          {
            name: "control",
            transform(code) {
              if (!code.includes(change.from)) return;
              changed++;
              return { code: code.replaceAll(change.from, change.to), map: null };
            },
          },
        ]
      : [],
  });
  const file = join(ROOT, "dist/campaigns", `${name}${change ? "-control" : ""}.js`);
  await bundle.write({ format: "esm", file, codeSplitting: false });
  await bundle.close();
  if (change && changed === 0) throw new Error(`the control changes nothing: ${change.from} is not in the source`);
  return file;
}
