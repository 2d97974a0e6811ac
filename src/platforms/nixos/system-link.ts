import { existsSync, readlinkSync } from "node:fs";
import { SYSTEM_SUFFIX } from "../../lib/paths.ts";

/**
 * The link from a generation's folder to the system that was built for it. It is next to the folder, and a root of the
 * garbage collector: the system stays in the store until the link is removed.
 */
export function systemLink(generation: string): string {
  return `${generation}${SYSTEM_SUFFIX}`;
}

/** The system of a generation, a path of the store; undefined if none was built or it is no longer in the store. */
export function systemOf(generation: string): string | undefined {
  try {
    const path = readlinkSync(systemLink(generation));
    return existsSync(path) ? path : undefined;
  } catch {
    // None was built.
    return undefined;
  }
}
