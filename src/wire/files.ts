import { z } from "zod";
import { FILE_ROOTS } from "./file-limits.ts";
import { MAX_PATH_CHARS } from "./limits.ts";
import { Instant } from "./names.ts";

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
