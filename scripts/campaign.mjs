// Shared code of the campaigns: programs over the product's own source, bundled as the product is.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "./lib.mjs";
import { NO_ADDONS } from "./no-addons.mjs";

/** The exit code for "this machine cannot run that", for tests. */
export const CANNOT = 77;
export function cannot(words) {
  console.log(`cannot: ${words}`);
  process.exit(CANNOT);
}

/** Parses `--name value` options. The defaults define which exist. */
export function options(defaults) {
  const known = Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, { type: "string", default: value }]));
  return parseArgs({ options: known }).values;
}

/**
 * Bundles `test/campaigns/<name>.ts` and returns the file. `changes` replace texts of the source, for a control that
 * must fail. Throws if a text is not in the source.
 */
export async function bundleCampaign(name, changes = []) {
  const { rolldown } = await import("rolldown");
  const changed = new Set();
  const bundle = await rolldown({
    input: join(ROOT, "test/campaigns", `${name}.ts`),
    platform: "node",
    external: ["better-sqlite3"],
    cwd: ROOT,
    logLevel: "warn",
    plugins: [
      NO_ADDONS,
      {
        name: "control",
        transform(code) {
          let text = code;
          for (const change of changes.filter(({ from }) => code.includes(from))) {
            changed.add(change);
            text = text.replaceAll(change.from, change.to);
          }
          return text === code ? undefined : { code: text, map: null };
        },
      },
    ],
  });
  const file = join(ROOT, "dist/campaigns", `${name}${changes.length > 0 ? "-control" : ""}.js`);
  await bundle.write({ format: "esm", file, codeSplitting: false });
  await bundle.close();
  const without = changes.find((change) => !changed.has(change));
  if (without) throw new Error(`the control changes nothing: ${without.from} is not in the source`);
  return file;
}
