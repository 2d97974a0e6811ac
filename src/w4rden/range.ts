import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { uidRange } from "../platforms/uids.ts";

/** A record of root: the hive of a state folder. Its id determines the uids of its agents. */
const Hive = z.strictObject({ state: z.string(), hive_id: z.string().regex(/^[0-9a-f]{8}$/) });
type Hive = z.infer<typeof Hive>;

/** The records of hives, a file for each, which only root can write. */
export class Hives {
  readonly #folder: string;
  constructor(etc: string) {
    this.#folder = join(etc, "hives");
    mkdirSync(this.#folder, { recursive: true, mode: 0o755 });
    for (const folder of [etc, this.#folder]) {
      const { uid, mode } = lstatSync(folder);
      if (uid !== 0 || (mode & 0o022) !== 0)
        throw new Error(`${folder} can be written by others than root: chown root ${folder} && chmod go-w ${folder}`);
    }
  }

  /** The file of a state folder's record. */
  file(state: string): string {
    return join(this.#folder, `${createHash("sha256").update(state).digest("hex").slice(0, 16)}.json`);
  }

  /** The id of the hive in a state folder. `ask` gives it at the first start; it is recorded then, and never asked for again. */
  async idOf(state: string, ask: () => Promise<string>): Promise<string> {
    const known = this.#all().find((one) => one.state === state);
    if (known) return known.hive_id;
    const hive = Hive.parse({ state, hive_id: (await ask()).trim() });
    const { first } = uidRange(hive.hive_id);
    const taken = this.#all().find((one) => uidRange(one.hive_id).first === first);
    if (taken)
      throw new Error(
        taken.hive_id === hive.hive_id
          ? `the hive in ${state} is recorded for ${taken.state}: if it was moved, remove ${this.file(taken.state)}; two copies of a hive cannot run on one host`
          : `the hive in ${state} would share its uids with the one in ${taken.state}: start with an empty state folder`,
      );
    const file = this.file(state);
    writeFileSync(`${file}.new`, `${JSON.stringify(hive)}\n`, { mode: 0o644, flush: true });
    renameSync(`${file}.new`, file);
    return hive.hive_id;
  }

  #all(): Hive[] {
    return readdirSync(this.#folder)
      .filter((name) => name.endsWith(".json"))
      .map((name) => {
        try {
          return Hive.parse(JSON.parse(readFileSync(join(this.#folder, name), "utf8")));
        } catch (error) {
          throw new Error(`${join(this.#folder, name)} is not a record of a hive: ${String(error)}`, { cause: error });
        }
      });
  }
}
