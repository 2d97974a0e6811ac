import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cut, makeImage, type FileSystem } from "./cut.ts";
import { writer } from "./writer.ts";

/**
 * `npm run powercut -- [--cuts 100] [--fs ext4] [--fs xfs]`, as root: cuts the power of file systems in files, in a mount
 * namespace of its own. Prints counts; exits 1 when an answered message is gone or a database does not open clean.
 */

/** The power goes this long after the writer is in full swing, at random. Milliseconds. */
const MOST_EXTRA_MS = 300;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      cuts: { type: "string", default: "100" },
      fs: { type: "string", multiple: true, default: ["ext4", "xfs"] },
      inside: { type: "boolean", default: false },
    },
  });
  if (process.getuid?.() !== 0) throw new Error("mounting takes root: run it with sudo");
  if (!values.inside) {
    // Nothing that is mounted here is seen outside, and all of it goes with the last process.
    const argv = [
      "-m",
      "--propagation",
      "private",
      process.execPath,
      process.argv[1] ?? "",
      ...process.argv.slice(2),
      "--inside",
    ];
    process.exitCode = spawnSync("unshare", argv, { stdio: "inherit" }).status ?? 1;
    return;
  }
  for (const kind of values.fs as FileSystem[]) {
    const folder = mkdtempSync(join(tmpdir(), "powercut-"));
    try {
      const image = makeImage(folder, kind);
      const total = { acknowledged: 0, lost: 0, unclean: 0 };
      for (let nth = 0; nth < Number(values.cuts); nth++) {
        const result = await cut(folder, image, kind, Math.random() * MOST_EXTRA_MS);
        total.acknowledged += result.acknowledged;
        total.lost += result.lost;
        if (result.integrity !== "ok") total.unclean++;
      }
      console.log(
        `${kind}: ${values.cuts} power cuts, ${total.acknowledged} acknowledged, ${total.lost} lost, ${total.unclean} databases not clean`,
      );
      if (total.lost > 0 || total.unclean > 0) process.exitCode = 1;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

const [first, , ...rest] = process.argv.slice(2);
if (first === "--role") await writer(rest);
else await main();
