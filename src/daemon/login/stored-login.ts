import { chmodSync, readFileSync, rmSync } from "node:fs";
import { z } from "zod";
import { hivectl } from "../../lib/hivectl.ts";
import { replaceFile, syncAll } from "../../os/stable.ts";
import { HiveError } from "../../wire/error.ts";
import { dirname } from "node:path";

/** For the daemon's user alone. */
const PRIVATE = 0o600;
/** Characters of a token: about five times a usual one. */
const MAX_TOKEN_CHARS = 512;

const Content = z.object({
  token: z.string().min(1).max(MAX_TOKEN_CHARS),
  /** Who logged in, and when. */
  by: z.string(),
  at: z.number(),
});
type Content = z.infer<typeof Content>;

/** The token of a log-in to the model. It is kept in one file of the daemon's user, and passed on to the gateway only. */
export class StoredLogin {
  readonly #path: string;
  #content: Content | undefined;
  #complaint: string | undefined;

  /** Reads the file, if there is one. */
  constructor(path: string) {
    this.#path = path;
    try {
      chmodSync(path, PRIVATE);
      this.#content = Content.parse(JSON.parse(readFileSync(path, "utf8")));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      // The error may quote the file.
      this.#complaint = `the log-in in ${path} cannot be read: log in again with ${hivectl("login --model")}, or remove it with ${hivectl("logout --model")}`;
    }
  }

  /** Whether there is a log-in, even one that cannot be read. */
  get exists(): boolean {
    return this.#content !== undefined || this.#complaint !== undefined;
  }

  /** Who logged in, and when. */
  get about(): Omit<Content, "token"> | undefined {
    return this.#content && { by: this.#content.by, at: this.#content.at };
  }

  /** The token. Throws a HiveError if there is none. */
  token(): string {
    if (this.#content) return this.#content.token;
    throw new HiveError("unavailable", this.#complaint ?? `there is no log-in to the model: ${hivectl("login --model")}`);
  }

  /** Keeps a token. It is on stable storage when this resolves, and counts from then on. */
  async keep(content: Content): Promise<void> {
    await replaceFile(this.#path, `${JSON.stringify(Content.parse(content))}\n`, PRIVATE);
    this.#content = content;
    this.#complaint = undefined;
  }

  /** Removes the token for good. */
  async remove(): Promise<void> {
    rmSync(this.#path, { force: true });
    await syncAll([dirname(this.#path)]);
    this.#content = undefined;
    this.#complaint = undefined;
  }
}
