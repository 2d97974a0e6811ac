import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Flushes files and folders to stable storage; a folder so that the names which were made or moved in it survive a
 * power cut. What is gone is passed over: git removes empty folders.
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

/** The folders from the one that holds `path` up to and with `top`. */
export function foldersUpTo(top: string, path: string): string[] {
  const folders: string[] = [];
  for (let folder = dirname(path); folder.startsWith(top); folder = dirname(folder)) folders.push(folder);
  return folders;
}

/** Replaces a file by one with these bytes: written beside, flushed, moved over. Readers see the old or the new. */
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
