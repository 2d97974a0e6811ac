// `npm run idmap`: the tests of id-mapped mounts with the `mount` of Debian 13, on the file system of the temporary
// folder and on tmpfs. Root only. The first run makes a root of Debian 13 under .cache (214 MB, three minutes) and
// needs debootstrap.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./build.mjs";
import { cannot } from "./campaign.mjs";
import { ROOT, exec, foreground, has, step } from "./lib.mjs";

const TESTS = [
  "src/platforms/bwrap/driver.test.ts",
  "src/daemon/mounts.test.ts",
  "test/e2e/id-map.test.ts",
  "test/e2e/w4rden.test.ts",
];
/** The tests of owners, and the one that starts the hive of root's helper. */
const CHOSEN = "owner|as a user of its own";
const SYSTEM = join(ROOT, ".cache", "trixie");
const LIBRARIES = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu"];
const LOADERS = ["lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1"];

if (process.getuid() !== 0) cannot("mounting needs root");
if (process.env.HIVE_IDMAP_INSIDE !== "1") {
  if (!(await has("debootstrap"))) cannot("debootstrap is not installed: apt-get install debootstrap");
  await step("making a root of Debian 13", makeSystem);
  await build();
  // Run the rest in a separate mount namespace, so that no mount is left behind.
  const argv = ["-m", "--propagation", "private", process.execPath, ...process.argv.slice(1)];
  const child = spawn("unshare", argv, { stdio: "inherit", env: { ...process.env, HIVE_IDMAP_INSIDE: "1" } });
  process.exit(await new Promise((resolve) => child.once("close", (code) => resolve(code ?? 1))));
}

const scratch = await mkdtemp(join(tmpdir(), "idmap-"));
try {
  await exec("mount", ["--bind", await wrapper(scratch), "/usr/bin/mount"]);
  process.stdout.write(`${await exec("mount", ["--version"])}`);
  const onDisk = join(scratch, "disk");
  const inMemory = join(scratch, "memory");
  for (const folder of [onDisk, inMemory]) await mkdir(folder);
  await exec("mount", ["-t", "tmpfs", "idmap", inMemory]);
  for (const folder of [onDisk, inMemory]) {
    process.stdout.write(`on ${(await exec("stat", ["-f", "-c", "%T", folder])).trim()}\n`);
    const vitest = [join(ROOT, "node_modules", "vitest", "vitest.mjs"), "run", "-t", CHOSEN, ...TESTS];
    const code = await foreground(process.execPath, vitest, { env: { ...process.env, TMPDIR: folder } });
    process.exitCode ||= code;
  }
} finally {
  await exec("umount", ["--lazy", join(scratch, "memory")]).catch((error) => process.stderr.write(`${error.message}\n`));
  await rm(scratch, { recursive: true, force: true });
}

/** Atomic: the folder gets its name when debootstrap has finished. */
async function makeSystem() {
  if (await isThere(SYSTEM)) return;
  await rm(`${SYSTEM}.new`, { recursive: true, force: true });
  await mkdir(`${SYSTEM}.new`, { recursive: true });
  await exec("debootstrap", ["--variant=minbase", "trixie", `${SYSTEM}.new`]);
  await rename(`${SYSTEM}.new`, SYSTEM);
}

/** A program `mount` that runs Debian 13's with its own loader and libraries. */
async function wrapper(folder) {
  const file = join(folder, "mount");
  const loader = await firstOf(LOADERS);
  const path = LIBRARIES.map((name) => join(SYSTEM, name)).join(":");
  const program = join(SYSTEM, "usr/bin/mount");
  await writeFile(file, `#!/bin/sh\nexec '${loader}' --library-path '${path}' '${program}' "$@"\n`, { mode: 0o755 });
  return file;
}

async function firstOf(names) {
  for (const name of names) if (await isThere(join(SYSTEM, name))) return join(SYSTEM, name);
  throw new Error(`${SYSTEM} has none of ${names.join(", ")}: remove it and try again`);
}

async function isThere(path) {
  // Missing or not accessible: it is made again.
  return (await stat(path).catch(() => undefined)) !== undefined;
}
