// `npm run test:node26`: every test on Node 26, in a copy of this checkout with its own packages. The Node comes from
// npm's package of its binary. Arguments go to vitest.
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { copyCheckout } from "./checkout.mjs";
import { ROOT, exec, foreground, step } from "./lib.mjs";
import { runScript } from "./setup.mjs";

/** The newest release of the line at the last update. */
const VERSION = "26.12.1";
const CACHE = join(ROOT, ".cache", "node26");
const PACKAGE = `node-linux-${process.arch}`;
const BIN = join(CACHE, "node", "node_modules", PACKAGE, "bin");

await runScript(async () => {
  const checkout = join(CACHE, "checkout");
  for (const folder of [join(CACHE, "node"), checkout]) await mkdir(folder, { recursive: true });
  // Not fetched yet.
  const there = await exec(join(BIN, "node"), ["--version"]).catch(() => "");
  if (there.trim() !== `v${VERSION}`)
    await step(`fetching Node ${VERSION}`, () =>
      exec(
        "npm",
        [
          "install",
          "--prefix",
          join(CACHE, "node"),
          "--no-save",
          "--ignore-scripts",
          "--no-audit",
          "--no-fund",
          `${PACKAGE}@${VERSION}`,
        ],
        {
          cwd: join(CACHE, "node"),
        },
      ),
    );
  await copyCheckout(checkout);
  // From here on it is like a clone on a machine with another Node: set-up does the rest.
  process.exitCode = await foreground(join(BIN, "node"), [join(checkout, "scripts", "test.mjs"), ...process.argv.slice(2)], {
    cwd: checkout,
    env: { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH}` },
  });
});
