import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";

/** Searches a whole cage for a text: files, and the environment, arguments and memory of its processes. */

/** Folders that a cage can write, or that are made for it. The host's programs are not among them. */
const FOLDERS = ["/state", "/config", "/home", "/tmp", "/run/hive", "/etc", "/work", "/dev/shm", "/opt/hive/harness"];
/** Larger files are programs. Bytes. */
const MAX_FILE_BYTES = 50 * 1024 * 1024;
/** Bytes of memory that are read at once. Pieces overlap by the length of the text. */
const PIECE_BYTES = 8 * 1024 * 1024;

/** Resolves with where the text is; rejects with how much was searched. `backwards`: so that the search has it nowhere. */
export async function secretIn(backwards: string): Promise<string> {
  const secret = Buffer.from(backwards).reverse();
  const found: string[] = [];
  const count = { files: 0, processes: 0, bytes: 0 };
  for (const folder of FOLDERS) for (const path of filesIn(folder)) search(path);
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    search(`/proc/${pid}/environ`);
    search(`/proc/${pid}/cmdline`);
    if (inMemory(pid)) found.push(`the memory of ${pid}`);
  }
  if (found.length > 0) return found.join(", ");
  throw new Error(
    `nothing in ${count.files} files and ${Math.round(count.bytes / 1024 / 1024)} MiB of ${count.processes} processes`,
  );

  function search(path: string): void {
    try {
      count.files++;
      if (readFileSync(path).includes(secret)) found.push(path);
    } catch {
      // It is not this user's, or has gone.
    }
  }

  function inMemory(pid: string): boolean {
    let memory: number;
    let ranges: string[];
    try {
      ranges = usedRanges(readFileSync(`/proc/${pid}/smaps`, "utf8"));
      memory = openSync(`/proc/${pid}/mem`, "r");
    } catch {
      // A process that may not be read.
      return false;
    }
    count.processes++;
    const piece = Buffer.alloc(PIECE_BYTES);
    try {
      for (const range of ranges) {
        const [from = 0, to = 0] = range.split("-").map((hex) => Number.parseInt(hex, 16));
        for (let at = from; at < to; at += PIECE_BYTES - secret.length) {
          let got = 0;
          try {
            got = readSync(memory, piece, 0, Math.min(PIECE_BYTES, to - at), at);
          } catch {
            // A reserved range.
            break;
          }
          count.bytes += got;
          if (piece.subarray(0, got).includes(secret)) return true;
        }
      }
      return false;
    } finally {
      closeSync(memory);
    }
  }
}

/** The writable ranges of a process that have pages in memory, as `from-to` in hex. */
function usedRanges(smaps: string): string[] {
  return [...smaps.matchAll(/^([0-9a-f]+-[0-9a-f]+) rw[^]*?^Rss: +(\d+) kB/gm)].flatMap(([, range = "", rss]) =>
    rss === "0" ? [] : [range],
  );
}

function* filesIn(folder: string): Generator<string> {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    // It is not this user's.
    return;
  }
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* filesIn(path);
    else if (entry.isFile() && statSync(path).size < MAX_FILE_BYTES) yield path;
  }
}
