import { chmodSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { hivectl } from "../../lib/hivectl.ts";
import { replaceFile, syncAll } from "../../os/stable.ts";
import { HiveError } from "../../wire/error.ts";
import { RemoteKey, RemoteToken } from "../../wire/remote.ts";

/** For the daemon's user alone. */
const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;

const Credential = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("token"), token: RemoteToken }),
  z.object({
    kind: z.literal("key"),
    private_key: RemoteKey,
    public_key: z.string(),
    /** The address that the hive has made it for. Absent for a key of the operator. */
    made_for: z.string().optional(),
  }),
]);
/** What the hive shows a server, to be let in. */
export type Credential = z.infer<typeof Credential>;

/**
 * The credentials of upstreams, one file each for the daemon's user alone. They are in no database, so in no backup, and
 * nothing but the connection to their own host reads them.
 */
export class Credentials {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The credential of a repository. Undefined without one. Throws if it cannot be read, without quoting it. */
  of(repo: string): Credential | undefined {
    let text: string;
    try {
      text = readFileSync(this.#file(repo), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    try {
      return Credential.parse(JSON.parse(text));
    } catch {
      // The error may quote the file.
      throw new HiveError(
        "unavailable",
        `the credential of ${repo} cannot be read: give it again, ${hivectl(`repo login --help`)} says how`,
      );
    }
  }

  /** What people may see of a credential: its kind, and a public key. One that cannot be read counts as none. */
  shownOf(repo: string): { credential: Credential["kind"] | "none"; public_key?: string } {
    try {
      const found = this.of(repo);
      return {
        credential: found?.kind ?? "none",
        ...(found?.kind === "key" ? { public_key: found.public_key } : {}),
      };
    } catch {
      // The next use says what to do.
      return { credential: "none" };
    }
  }

  /** Keeps the credential of a repository. It is on stable storage when this resolves. */
  async keep(repo: string, credential: Credential): Promise<void> {
    mkdirSync(this.#folder, { recursive: true, mode: PRIVATE_FOLDER });
    chmodSync(this.#folder, PRIVATE_FOLDER);
    await replaceFile(this.#file(repo), `${JSON.stringify(Credential.parse(credential))}\n`, PRIVATE_FILE);
  }

  /** Removes the credential of a repository, for good. Idempotent. */
  async remove(repo: string): Promise<void> {
    rmSync(this.#file(repo), { force: true });
    await syncAll([this.#folder]);
  }

  #file(repo: string): string {
    return join(this.#folder, `${repo}.json`);
  }
}
