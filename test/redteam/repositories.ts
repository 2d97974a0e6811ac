import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanEnv, type TestHive } from "../lib/hive.ts";

/** The operator's repositories: `web` for the attacker and the victim, `secret` for the victim alone. */

/** What the victim does before the attack: a branch of its own, and what `inside/victim.ts` keeps open. */
export const PREPARE =
  "cd /work/web && git switch -q -c topic && git commit -q --allow-empty -m mine && git push -q && " +
  "(setsid /opt/hive/bin/node /state/victim.mjs >/state/victim.log 2>&1 &) && " +
  "for n in $(seq 100); do [ -e /state/secret.txt ] && break; sleep 0.1; done && cat /state/secret.txt && echo prepared";

/** Adds them to the hive. Returns the tip of the base of `web`. */
export function addRepositories(hive: TestHive): string {
  const hivectl = join(process.cwd(), "dist/hivectl.js");
  let tip = "";
  for (const name of ["secret", "web"]) {
    const folder = join(hive.folder, "repositories", name);
    mkdirSync(folder, { recursive: true });
    const git = (...argv: string[]): string =>
      execFileSync("git", ["-C", folder, "-c", "user.name=op", "-c", "user.email=op@hive.invalid", ...argv], {
        encoding: "utf8",
        env: cleanEnv({ HOME: hive.folder, GIT_TERMINAL_PROMPT: "0" }),
      }).trim();
    git("init", "-q", "-b", "main");
    writeFileSync(join(folder, "README.md"), `# ${name}\n`);
    // With `project`, the attacker gets these as they were approved. What it writes in its clone does not change them.
    writeFileSync(join(folder, "CLAUDE.md"), "Work as approved.\n");
    git("add", "-A");
    git("commit", "-q", "-m", "first");
    // What an agent proposes is checked before the operator decides: its own program runs there.
    const checked = ["--check", "node attack.mjs", "--check-on", "propose", "--egress", "public.redteam.test"];
    execFileSync(process.execPath, [hivectl, "repo", "add", name, folder, ...(name === "web" ? checked : [])], {
      env: cleanEnv({ HIVE_STATE_DIR: hive.stateDir, HOME: hive.folder }),
      stdio: "pipe",
    });
    tip = git("rev-parse", "HEAD");
  }
  return tip;
}
