import { chmodSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import type { Credential } from "../../gateway/anthropic/live.ts";
import { hivectl } from "../../lib/hivectl.ts";
import { replaceFile, syncAll } from "../../os/stable.ts";
import { HiveError } from "../../wire/error.ts";
import { MAX_TOKEN_CHARS } from "../../wire/model-credentials.ts";
import { credentialIn, credentialOf } from "./token.ts";

/** For the daemon's user alone. */
const PRIVATE = 0o600;

/** Who has set it, and when. */
const About = z.object({ by: z.string(), at: z.number() });
/** The key or token itself, or the path of a file that has it. */
const Content = z.union([
  About.extend({ token: z.string().min(1).max(MAX_TOKEN_CHARS) }),
  About.extend({ file: z.string().min(1) }),
]);
export type StoredCredential = z.infer<typeof Content>;

/** How an operator sets a credential anew, and how it is removed. Without a name, that of the log-in. */
const remediesOf = (name: string | undefined): { set: string; remove: string } =>
  name === undefined
    ? { set: hivectl("login --model"), remove: hivectl("logout --model") }
    : { set: hivectl(`credential add ${name} --token-stdin`), remove: hivectl(`credential remove ${name}`) };

/** A credential for the model. It is kept in one file of the daemon's user, and passed on to the gateway only. */
export class StoredLogin {
  readonly #path: string;
  readonly #name: string | undefined;
  #content: StoredCredential | undefined;
  #complaint: string | undefined;

  /** Reads the file, if there is one. `name` is that of a credential besides the hive's own. */
  constructor(path: string, name?: string) {
    this.#path = path;
    this.#name = name;
    try {
      chmodSync(path, PRIVATE);
      this.#content = Content.parse(JSON.parse(readFileSync(path, "utf8")));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      // The error may quote the file.
      const { set, remove } = remediesOf(name);
      this.#complaint = `the log-in in ${path} cannot be read: log in again with ${set}, or remove it with ${remove}`;
    }
  }

  /** Whether there is a log-in, even one that cannot be read. */
  get exists(): boolean {
    return this.#content !== undefined || this.#complaint !== undefined;
  }

  /** Who logged in, and when. */
  get about(): z.infer<typeof About> | undefined {
    return this.#content && { by: this.#content.by, at: this.#content.at };
  }

  /** The file that has the credential, if not the hive but the operator keeps it. */
  get file(): string | undefined {
    return this.#content && "file" in this.#content ? this.#content.file : undefined;
  }

  /** The token. Throws a HiveError if there is none. */
  token(): string {
    return this.credential().value;
  }

  /** The credential, read anew if a file has it. Throws a HiveError that says what to do if there is none. */
  credential(): Credential {
    const content = this.#content;
    if (!content)
      throw new HiveError("unavailable", this.#complaint ?? `there is no log-in to the model: ${remediesOf(this.#name).set}`);
    return "file" in content ? credentialIn(content.file) : credentialOf(content.token);
  }

  /** Keeps a credential. It is on stable storage when this resolves, and counts from then on. */
  async keep(content: StoredCredential): Promise<void> {
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
