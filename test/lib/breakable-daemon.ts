import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { readConfig } from "../../src/daemon/config.ts";
import { run } from "../../src/daemon/run.ts";

/**
 * The daemon with failpoints that a file arms: `<state>/break.json` names a failpoint and how it breaks, once. This
 * entry is only for tests; the program has no such feature.
 */
/** Sizes of the pieces that fill a disk, down to the last byte. */
const PIECES = [1024 * 1024, 4096, 1];

/** Fills the disk under the state folder. The test removes `filler` to free it again. */
function fillDisk(stateDir: string): void {
  const fd = openSync(join(stateDir, "filler"), "a");
  for (const size of PIECES) {
    const piece = Buffer.alloc(size, 1);
    try {
      for (;;) writeSync(fd, piece);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
  }
  closeSync(fd);
}

async function failpoint(stateDir: string, name: string): Promise<void> {
  const armed = join(stateDir, "break.json");
  if (!existsSync(armed)) return;
  const { at, how } = JSON.parse(readFileSync(armed, "utf8")) as { at: string; how: "kill" | "error" | "ENOSPC" | "full" };
  if (at !== name) return;
  // Fill the disk before removing the file: the test frees the disk when it sees that the file is gone.
  if (how === "full") fillDisk(stateDir);
  rmSync(armed);
  if (how === "full") return;
  if (how === "kill") process.kill(process.pid, "SIGKILL");
  if (how === "ENOSPC") throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  throw new Error(`broken at ${name}`);
}

/** Leads the connections of cages to the stand-in of a test, if `<state>/web-stand-in.json` names one. */
function webStandIn(stateDir: string): Parameters<typeof run>[1] {
  const file = join(stateDir, "web-stand-in.json");
  if (!existsSync(file)) return {};
  const { port, trust } = JSON.parse(readFileSync(file, "utf8")) as { port: number; trust: string };
  const web = {
    resolve: async () => ["127.0.0.1"],
    isPublic: () => true,
    connect: () => connect({ host: "127.0.0.1", port }),
  };
  return { web, login: { trust } };
}

async function main(): Promise<number> {
  // The build has its help printed, to store the code that every start compiles.
  if (process.argv.includes("--help")) return 0;
  const config = readConfig(process.env, { foreground: process.argv.includes("--foreground") });
  return run(config, { failpoint: (name) => failpoint(config.stateDir, name), ...webStandIn(config.stateDir) });
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`hive-c0re: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
