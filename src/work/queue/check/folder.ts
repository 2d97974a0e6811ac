import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CAGE_PATH } from "../../../os/launch-env.ts";
import { removeTree } from "../../../os/remove-tree.ts";
import { run } from "../../../os/run.ts";
import type { CageSpec, Identity } from "../../../platforms/port.ts";
import type { ChangeRecord } from "../../../store/changes.ts";
import type { Sha } from "../../../wire/approval.ts";
import { TAGS } from "../../repositories.ts";
import type { WorkContext } from "../../work-context.ts";

/** Identifies the cage of a change's check. */
export function placeOf(context: WorkContext, change: number): Pick<CageSpec, "cageDir" | "hiveId" | "agentId"> {
  return { cageDir: join(folderOf(context, change), "cage"), hiveId: context.hiveId, agentId: `check-${change}` };
}

export function folderOf(context: WorkContext, change: number): string {
  return join(context.paths.checks, String(change));
}

/** Ends what runs in the folder of a check, and removes it. */
export async function removeCheck(context: WorkContext, change: number): Promise<void> {
  await context.driver.destroy(placeOf(context, change));
  const folder = folderOf(context, change);
  try {
    await removeTree(folder);
  } catch {
    // Without root, what the check made unwritable stands in the way. `chmod` follows no links in a folder.
    await run("chmod", ["-R", "u+rwX", "--", folder]);
    await removeTree(folder);
  }
}

/** The path of the pipe that takes the output, in the cage. */
export const OUTPUT_IN_CAGE = "/run/hive/output";

/**
 * Makes the folders of a check and describes its cage: a clone with nothing but tags at `/work/<repo>`, the repository's objects
 * read-only, a home, no configuration and no socket of the hive. Its network is loopback alone.
 */
export async function checkCage(
  context: WorkContext,
  row: ChangeRecord,
  {
    identity,
    argv,
    limits,
    tags,
  }: { identity: Identity; argv: string[]; limits: CageSpec["limits"]; tags: ReadonlyMap<string, Sha> },
): Promise<CageSpec> {
  const top = folderOf(context, row.id);
  const sockets = join(top, "sockets");
  for (const folder of [top, join(top, "config"), sockets, join(sockets, "objects"), join(sockets, "objects", row.repo)]) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
  }
  const workspaces = join(top, "work");
  const clone = join(workspaces, row.repo);
  const gitDir = join(clone, ".git");
  const packed = join(gitDir, "packed-refs");
  await mkdir(gitDir, { recursive: true, mode: 0o700 });
  await chmod(clone, 0o700);
  // Not one by one in the cage: `git describe` of a build needs them all, and there may be thousands.
  await writeFile(packed, [...tags].map(([tag, sha]) => `${sha} ${TAGS}${tag}\n`).join(""));
  if (process.getuid?.() === 0) for (const path of [clone, gitDir, packed]) await chown(path, identity.uid, identity.gid);
  return {
    ...placeOf(context, row.id),
    name: `check-${row.id}`,
    role: "agent",
    generation: row.round,
    revision: context.runtime.revision,
    runtimeDir: context.runtime.dir,
    socketsDir: sockets,
    claudeDir: join(top, "claude"),
    stateDir: join(top, "home"),
    workspacesDir: workspaces,
    configDir: join(top, "config"),
    extraBinds: [{ host: join(context.git.folder(row.repo), "objects"), cage: `/run/hive/objects/${row.repo}`, mode: "ro" }],
    logFile: join(top, "cage.log"),
    env: {
      PATH: CAGE_PATH,
      HOME: "/state",
      LANG: "C.UTF-8",
      TMPDIR: "/tmp",
      CI: "true",
      REPO: row.repo,
      BRANCH: `${row.agent_name}/${row.branch}`,
      BASE: row.base,
      CHANGE: String(row.id),
    },
    argv,
    limits,
    identity,
  };
}
