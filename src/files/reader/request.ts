/** What the reader is asked for, as its one argument in JSON. Paths begin with one of its roots. */
export type ReaderRequest =
  | { task: "list"; path: string; only?: string[]; maxEntries: number; maxBytes: number }
  | { task: "read"; path: string; maxBytes: number }
  | { task: "download"; path: string; maxBytes: number; maxEntries: number }
  | { task: "write"; folder: string; name: string; bytes: number };

/** What a name in a folder is, without opening it. */
export type EntryKind = "file" | "folder" | "link" | "fifo" | "socket" | "device" | "unknown";

/** A refusal for the caller to read. Its code is one of `src/wire/error.ts`. */
export class Refusal extends Error {
  readonly code: "not_found" | "conflict" | "too_large" | "disk_full";
  constructor(code: Refusal["code"], message: string) {
    super(message);
    this.code = code;
  }
}
