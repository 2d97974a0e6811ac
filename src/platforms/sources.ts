import { chmodSync, chownSync, mkdirSync, realpathSync } from "node:fs";
import { CageError, type CageSpec } from "./port.ts";

/** A source that is a link, or is behind one, could be changed between the check and the bind. */
export function checkSource(path: string, cage: string): void {
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    throw new CageError(`${path} (for ${cage}) does not exist`);
  }
  if (real !== path) throw new CageError(`${path} (for ${cage}) goes through a symbolic link; use ${real}`);
}

/** Creates the folders of a cage. As root, those that the agent writes belong to its user. */
export function prepareFolders(spec: CageSpec): void {
  for (const folder of [spec.stateDir, spec.workspacesDir, spec.claudeDir]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (process.getuid?.() === 0) chownSync(folder, spec.identity.uid, spec.identity.gid);
    chmodSync(folder, 0o700);
  }
  mkdirSync(spec.cageDir, { recursive: true, mode: 0o700 });
}
