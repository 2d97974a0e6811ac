import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { connectLines, type LineClient } from "../../../src/rpc/client.ts";
import { GIT_USER } from "../../lib/work-git.ts";
import type { Place } from "./place.ts";

/** Config changes as a hostile manager asks for them: any objects in its own repository, named over its own socket. */

/** One entry of a tree, byte by byte. */
export interface Entry {
  mode: string;
  name: string;
  /** The content of a file or of a link; of a submodule the commit. */
  content: string | Buffer;
}

const folderOf = (place: Place, agent: string): string => join(place.hive.stateDir, "proposed", agent, "config");

/** git in the proposed repository of an agent, as its manager uses it. */
function git(place: Place, agent: string, argv: readonly string[], input: string | Buffer = ""): string {
  const run = ["-c", "safe.directory=*", "-C", folderOf(place, agent), ...argv];
  return execFileSync("git", run, { env: GIT_USER, input, stdio: ["pipe", "pipe", "pipe"] })
    .toString()
    .trim();
}

/** A commit of these entries on top of what runs, with objects that git itself would not make. */
export function commit(place: Place, agent: string, entries: readonly Entry[]): string {
  const folder = folderOf(place, agent);
  const parts = [...entries]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ mode, name, content }) => {
      const sha = mode === "160000" ? String(content) : git(place, agent, ["hash-object", "-w", "--stdin"], content);
      return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(sha, "hex")]);
    });
  const tree = git(place, agent, ["hash-object", "-t", "tree", "--literally", "-w", "--stdin"], Buffer.concat(parts));
  const made = git(place, agent, ["commit-tree", tree, "-p", "HEAD", "-m", "a change"]);
  // The manager owns everything in its repository.
  const { uid, gid } = statSync(folder);
  if (process.getuid?.() === 0) execFileSync("chown", ["-Rh", `${uid}:${gid}`, join(folder, ".git", "objects")]);
  return made;
}

/** The commit that runs, as the proposed repository has it. */
export const running = (place: Place, agent: string): string => git(place, agent, ["rev-parse", "HEAD"]);

/** A connection to the manager's socket. */
export const manager = (place: Place): Promise<LineClient> => connectLines(place.hive.agentSocket("hm1nd"));

/** Requests the deploy of a commit. Rejects with the reason if it is refused. */
export async function request(place: Place, agent: string, sha: string): Promise<{ id: number; risks: string[] }> {
  const client = await manager(place);
  try {
    const { request: id, refused, risks } = await client.call("request_apply_commit", { agent, commit: sha });
    if (refused !== undefined) throw new Error(refused);
    return { id, risks: risks.map(({ text }) => text) };
  } finally {
    client.close();
  }
}
