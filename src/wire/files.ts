import { z } from "zod";
import { MAX_PATH_CHARS } from "./limits.ts";
import { Instant } from "./names.ts";

/** The folders of an agent whose files an operator sees, as they are called in its cage. */
export const FILE_ROOTS = ["/state", "/work"] as const;
/** Where an agent gets the files that an operator sends. */
export const INBOX_FOLDER = "/state/inbox";

/** Entries of one folder that are listed: more than a person reads. */
export const MAX_FOLDER_ENTRIES = 10_000;
/** Bytes of a file that is shown: what a page and an answer of a socket hold. */
export const MAX_FILE_VIEW_BYTES = 8 * 1024 * 1024;
/** Bytes of a picture that is shown: a screenshot of a large screen. */
export const MAX_PICTURE_BYTES = 5 * 1024 * 1024;
/** Bytes of a download, a file or all files of a folder; and how many of them. */
export const MAX_DOWNLOAD_BYTES = 1024 ** 3;
export const MAX_DOWNLOAD_ENTRIES = 100_000;
/** Bytes of one piece of a download on a socket. It is carried in base64, within the line of an answer. */
export const MAX_PIECE_BYTES = 512 * 1024;

/** Bytes of an upload. */
export const MAX_UPLOAD_BYTES = 64 * 1024 * 1024;
/** Characters of a file's name as its sender calls it. Linux allows 255 bytes. */
export const MAX_FILE_NAME_CHARS = 255;

/** A path in an agent's cage below one of `FILE_ROOTS`, or `/` for these. */
export const FilePath = z
  .string()
  .min(1)
  .max(MAX_PATH_CHARS)
  .refine(
    (path) => path === "/" || FILE_ROOTS.some((root) => path === root || path.startsWith(`${root}/`)),
    `a path begins with ${FILE_ROOTS.join(" or ")}`,
  )
  .refine(
    (path) =>
      path === "/" ||
      path
        .slice(1)
        .split("/")
        .every((part) => part !== "" && part !== "." && part !== ".."),
    "a path has no empty parts, no '.' and no '..'",
  )
  .refine((path) => !path.includes("\0") && !path.includes("\ufffd"), "a path has no NUL, and is UTF-8");

/** What a name in a folder is. Only files and folders are ever opened. */
export const FileKind = z.enum(["file", "folder", "link", "fifo", "socket", "device", "unknown"]);
export type FileKind = z.infer<typeof FileKind>;

/** A name in a folder of an agent. */
export const FileEntry = z.object({
  name: z.string(),
  /** The name has bytes that are no UTF-8, and cannot be asked for. */
  not_utf8: z.boolean().optional(),
  kind: FileKind,
  bytes: z.number().int(),
  /** Bytes on disk: fewer than `bytes` for a sparse file. */
  on_disk: z.number().int(),
  modified_at: Instant,
  executable: z.boolean().optional(),
  /** Where a link points. It is never followed. */
  target: z.string().optional(),
});
export type FileEntry = z.infer<typeof FileEntry>;

/** The pictures that a page shows and that models take. */
export const PictureType = z.enum(["image/png", "image/jpeg", "image/gif", "image/webp"]);
export type PictureType = z.infer<typeof PictureType>;

/** A file's content as far as it can be shown. */
export const FileView = z.object({
  path: z.string(),
  bytes: z.number().int(),
  /** `binary` and `too_large` have no content: they can be downloaded. */
  shows: z.enum(["text", "picture", "binary", "too_large"]),
  text: z.string().optional(),
  picture: z.object({ type: PictureType, base64: z.string() }).optional(),
});
export type FileView = z.infer<typeof FileView>;
