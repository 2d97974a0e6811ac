import { closeSync } from "node:fs";
import type { ChildProcess } from "node:child_process";
import { onExportedFolder, type ExportTask } from "../../os/git/exported-folder.ts";
import { sandboxedRun } from "../../os/sandboxed-run.ts";
import type { ExportRequest } from "../../wire/w4rden.ts";
import type { VerbContext } from "../context.ts";
import { openFolder, type OpenFolder } from "../open-folder.ts";
import { NOTHING } from "../place.ts";
import { Refusal } from "../refusal.ts";

/** A program of the sandbox that was started for the daemon. */
export interface Started {
  owner: { uid: number; gid: number };
  child: ChildProcess;
  /** Removes what was bound for it. Called when it has ended. */
  release(): void;
}

/** Reads an exported repository as its owner. The sandbox reads nothing unless the folder has the nonce. */
export function exportRepository({ folder, nonce, what }: ExportRequest, context: VerbContext): Started {
  return onFolder({ folder, nonce, mode: "ro" }, { what }, context);
}

/** Starts a task on an exported folder, in a sandbox as the folder's current owner. */
export function onFolder(
  { folder, nonce, mode }: { folder: string; nonce: string; mode: "ro" | "rw" },
  task: ExportTask,
  { binds }: VerbContext,
): Started {
  const open = openOrNothing(folder);
  try {
    const owner = { uid: open.stat.uid, gid: open.stat.gid };
    const bound = binds.bind(open, { mode, forDaemon: false });
    const child = onExportedFolder(sandboxedRun, { folder: bound.path, owner, nonce }, task);
    return { owner, child, release: () => bound.release() };
  } finally {
    closeSync(open.fd);
  }
}

/**
 * The folder, or an empty one for a path that cannot be opened. So the daemon learns nothing about the folders of the
 * host that no one has exported: not even from the time that an answer takes.
 */
function openOrNothing(folder: string): OpenFolder {
  try {
    return openFolder(folder);
  } catch (error) {
    if (error instanceof Refusal) return openFolder(NOTHING);
    throw error;
  }
}
