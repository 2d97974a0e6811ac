// `npm run sbom [-- --output <file>]`: the bill of materials of everything that the hive is built from and runs on, as
// CycloneDX JSON, from the lock files alone. Needs no network and no installed packages.
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "./lib.mjs";

/** The lock files: the packages of the hive, and the Node that set-up installs. */
const LOCKS = [ROOT, join(ROOT, "scripts", "node")];

/** The bill of one lock file. Rejects with npm's words if it has none. */
function billOf(folder) {
  return new Promise((resolve, reject) => {
    // The page and the programs are bundled from development packages. NODE_ENV=production would leave them out.
    const argv = ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only", "--include=dev", "--include=optional"];
    const child = spawn("npm", argv, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let [output, errors] = ["", ""];
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (errors += chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(`npm ${argv.join(" ")} failed in ${folder} (${code}): ${errors.trim() || output.trim()}`));
    });
  });
}

/** One bill of several: the first describes the product, and each component is listed once. */
async function bill() {
  const [first, ...rest] = await Promise.all(LOCKS.map(billOf));
  const { name, version, license } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  // npm takes the name of the folder.
  Object.assign(first.metadata.component, { name, version, type: "application", licenses: [{ license: { id: license } }] });
  const known = new Set(first.components.map((one) => one["bom-ref"]));
  for (const other of rest) {
    first.components = first.components.concat(other.components.filter((one) => !known.has(one["bom-ref"])));
    const described = new Set(first.dependencies.map(({ ref }) => ref));
    first.dependencies = first.dependencies.concat(other.dependencies.filter(({ ref }) => !described.has(ref)));
  }
  return first;
}

try {
  const { values } = parseArgs({ options: { output: { type: "string" } } });
  const text = `${JSON.stringify(await bill(), null, 2)}\n`;
  if (values.output === undefined) process.stdout.write(text);
  else {
    await writeFile(values.output, text);
    console.error(`wrote ${values.output}`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
