import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Flushes files and folders to stable storage. Flushing a folder makes new and moved names survive a power cut. Skips
 * missing paths: git removes empty folders.
 */
export async function syncAll(paths: Iterable<string>): Promise<void> {
  await Promise.all(
    Array.from(new Set(paths), async (path) => {
      let handle;
      try {
        handle = await open(path, "r");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
        throw error;
      }
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }),
  );
}

/** The folders from the parent of `path` up to and including `top`. */
export function foldersUpTo(top: string, path: string): string[] {
  const folders: string[] = [];
  for (let folder = dirname(path); folder.startsWith(top); folder = dirname(folder)) folders.push(folder);
  return folders;
}

/** Replaces a file atomically: writes a new one, flushes it, renames it. Readers see the old or the new. */
export async function replaceFile(path: string, bytes: Buffer | string, mode: number): Promise<void> {
  const beside = `${path}.new`;
  const handle = await open(beside, "w", mode);
  try {
    await handle.chmod(mode);
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, path);
  await syncAll([dirname(path)]);
}
