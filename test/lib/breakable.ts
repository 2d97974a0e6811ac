import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";

const ROOT = join(import.meta.dirname, "../..");

/** A copy of the built programs whose daemon can be broken at its failpoints. `remove` deletes it. */
export async function buildBreakable(): Promise<{ dist: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), "breakable-"));
  const dist = join(folder, "dist");
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  cpSync(join(ROOT, "dist"), dist, { recursive: true });
  const bundle = await rolldown({
    input: join(ROOT, "test/lib/breakable-daemon.ts"),
    platform: "node",
    // Without the addons of ssh2, as the build leaves them out.
    external: ["better-sqlite3", "cpu-features", /\/sshcrypto\.node$/],
    cwd: ROOT,
    logLevel: "silent",
  });
  await bundle.write({ format: "esm", file: join(dist, "hive-c0re.js"), codeSplitting: false });
  await bundle.close();
  return { dist, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
