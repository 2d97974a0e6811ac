import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Refusal } from "../refusal.ts";

/**
 * The range from which systemd gives uids to containers, above those of people and of subordinate ids, below those of
 * agents. A container has 65,536 of them. Files on disk have none: they belong to the agent's user of the hive's range.
 */
const FIRST_UID = 0x0008_0000;
const END_UID = 0x6fff_0000;
export const UIDS_PER_CONTAINER = 0x1_0000;
const RANGES = (END_UID - FIRST_UID) / UIDS_PER_CONTAINER;

/** Root's record of a container: whose it is, the user of its files on disk, and its own uids. */
const ContainerRecord = z.strictObject({
  hive_id: z.string(),
  agent: z.string(),
  uid: z.int(),
  first_uid: z.int().min(FIRST_UID).max(END_UID),
});
export type ContainerRecord = z.infer<typeof ContainerRecord>;

/** The records of containers of all hives of the host, a file for each, in a folder that only root can write. */
export class ContainerRecords {
  readonly #folder: string;
  constructor(etc: string) {
    this.#folder = join(etc, "containers");
  }

  find(container: string): ContainerRecord | undefined {
    return this.#all().get(container);
  }

  /**
   * The record of a container. It is made at the first call, with uids that no record has and that `isTaken` does not
   * refuse. Throws a `Refusal` if the name or the user is another agent's, or no uids are left. So a hive has at most one
   * container for each uid of its range.
   */
  open(container: string, owner: Omit<ContainerRecord, "first_uid">, isTaken: (firstUid: number) => boolean): ContainerRecord {
    const all = this.#all();
    const known = all.get(container);
    if (known) {
      if (known.hive_id === owner.hive_id && known.agent === owner.agent && known.uid === owner.uid) return known;
      throw new Refusal(
        `the container ${container} is of the agent ${known.agent} of the hive ${known.hive_id}, uid ${known.uid}`,
      );
    }
    const used = new Set<number>();
    for (const { agent, uid, first_uid } of all.values()) {
      if (uid === owner.uid) throw new Refusal(`uid ${uid} is the agent ${agent}'s`);
      used.add(first_uid);
    }
    const record = { ...owner, first_uid: freeUids(container, (uid) => used.has(uid) || isTaken(uid)) };
    mkdirSync(this.#folder, { recursive: true, mode: 0o755 });
    const file = join(this.#folder, `${container}.json`);
    writeFileSync(`${file}.new`, `${JSON.stringify(record)}\n`, { mode: 0o644, flush: true });
    renameSync(`${file}.new`, file);
    return record;
  }

  remove(container: string): void {
    rmSync(join(this.#folder, `${container}.json`), { force: true });
  }

  #all(): Map<string, ContainerRecord> {
    let names: string[];
    try {
      names = readdirSync(this.#folder).filter((name) => name.endsWith(".json"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
      throw error;
    }
    return new Map(
      names.map((name) => [
        name.slice(0, -".json".length),
        ContainerRecord.parse(JSON.parse(readFileSync(join(this.#folder, name), "utf8"))),
      ]),
    );
  }
}

/** The first uid of a free range. The search begins at a place that follows from the name. */
function freeUids(container: string, isTaken: (firstUid: number) => boolean): number {
  const start = createHash("sha256").update(container).digest().readUInt32BE(0) % RANGES;
  for (let n = 0; n < RANGES; n++) {
    const uid = FIRST_UID + ((start + n) % RANGES) * UIDS_PER_CONTAINER;
    if (!isTaken(uid)) return uid;
  }
  throw new Refusal("no range of 65,536 uids is left on this host for a container");
}

/** The ranges of uids that a file like /etc/subuid gives to people. Other lines are no ranges. */
export function subordinateIds(text: string): { first: number; count: number }[] {
  return text.split("\n").flatMap((line) => {
    const found = /^[^:]+:(\d+):(\d+)$/.exec(line.trim());
    return found ? [{ first: Number(found[1]), count: Number(found[2]) }] : [];
  });
}

/** The first uid that the configuration of a container names, if it names one. */
export function uidOfConf(text: string): number | undefined {
  const found = /^PRIVATE_USERS=(\d+)$/m.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
