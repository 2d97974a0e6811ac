import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cliInside } from "./cli-inside.ts";
import { StubHost, type Said } from "./stub-host.ts";

/** `hivectl` beside a stub of the daemon, with clones of its caller made by real git. */
export class ClonesCli {
  readonly host: StubHost;
  /** A folder for the clones. Its path has no link. */
  readonly home: string;
  #made = 0;

  private constructor(host: StubHost, home: string) {
    this.host = host;
    this.home = home;
  }
  static async start(): Promise<ClonesCli> {
    return new ClonesCli(await new StubHost().start(), realpathSync(mkdtempSync(join(tmpdir(), "repos-"))));
  }
  async dispose(): Promise<void> {
    await this.host.dispose();
    rmSync(this.home, { recursive: true });
  }

  readonly hivectl = (...words: string[]): Promise<Said> => cliInside("--socket", this.host.socket, ...words);

  /** A clone with one commit. */
  aClone(): string {
    const folder = join(this.home, `web-${++this.#made}`);
    mkdirSync(folder);
    git(folder, "init", "--quiet", "--initial-branch=main");
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "first");
    return folder;
  }
}

/** Runs git in a folder and returns its output. */
export const git = (folder: string, ...argv: string[]): string =>
  execFileSync("git", ["-C", folder, "-c", "user.name=You", "-c", "user.email=you@example.org", ...argv], {
    encoding: "utf8",
  }).trim();
