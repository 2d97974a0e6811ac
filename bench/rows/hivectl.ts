import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { cleanEnv, TestHive } from "../../test/lib/hive.ts";
import type { Row } from "../lib/row.ts";
import { interleave, median, ratio } from "../lib/stats.ts";

/** Runs of each program in one slice. */
const RUNS = 10;
const HIVECTL = join(import.meta.dirname, "../../dist/hivectl.js");

/** The cost of the most frequent verbs: whole processes, against a process that does nothing. */
export const hivectl: Row = {
  name: "hivectl",
  async run({ quick }) {
    const hive = new TestHive({ HIVE_LOG_LEVEL: "error" }).play([{ when: { text: "." }, steps: [{ say: "ok" }] }]);
    try {
      await hive.start();
      await hive.call("spawn", { name: "ada" });
      const base64 = Buffer.from(JSON.stringify({ model: "opus", egress: ["example.org"] }, null, 2)).toString("base64");
      const files = [{ path: "agent.json", mode: "100644" as const, base64 }];
      const { request } = await hive.call("propose", { agent: "ada", files, description: "a better model" });
      const env = cleanEnv({ HIVE_STATE_DIR: hive.stateDir, COLUMNS: "120" });
      const time = async (...argv: string[]): Promise<number> => {
        const began = performance.now();
        const child = spawn(process.execPath, argv, { env, stdio: ["ignore", "ignore", "inherit"] });
        const [code] = (await once(child, "close")) as [number | null];
        if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}`);
        return performance.now() - began;
      };
      const slice =
        (...argv: string[]) =>
        async (): Promise<number[]> => {
          const took: number[] = [];
          for (let n = 0; n < RUNS; n++) took.push(await time(...argv));
          return took;
        };
      const seen = await interleave(
        { bare: slice("-e", "0"), pending: slice(HIVECTL, "pending"), show: slice(HIVECTL, "show", String(request)) },
        quick ? 4 : 10,
      );
      const ms = (slices: number[][]): string => `${median(slices.flat()).toFixed(1)} ms`;
      return (["pending", "show"] as const).map((verb) => ({
        what: `hivectl ${verb} as a whole process, against node -e 0`,
        value: ratio(seen[verb], seen.bare),
        unit: "×",
        reach: { most: 4 },
        detail: `${ms(seen[verb])} / ${ms(seen.bare)}`,
      }));
    } finally {
      await hive.dispose();
    }
  },
};
