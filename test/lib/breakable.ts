import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** A copy of the built programs whose daemon can be broken at its failpoints. `remove` deletes it. */
export async function buildBreakable(): Promise<{ dist: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), "breakable-"));
  const dist = join(folder, "dist");
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  cpSync(join(ROOT, "dist"), dist, { recursive: true, filter: (file) => !file.endsWith(".map") });
  const { buildProgram } = (await import(join(ROOT, "scripts/build.mjs"))) as { buildProgram(what: object): Promise<void> };
  const { DAEMON_FLAGS } = (await import(join(ROOT, "scripts/lib.mjs"))) as { DAEMON_FLAGS: string[] };
  await buildProgram({
    input: "test/lib/breakable-daemon.ts",
    dir: relative(ROOT, dist),
    name: "hive-c0re",
    flags: DAEMON_FLAGS,
    sourcemap: false,
  });
  return { dist, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
