import { z } from "zod";
import { Instant } from "./names.ts";

/** Files that the operator adds to the workspaces of one repository: the settings of a build, not a tree. */
export const MAX_INCLUDE_FILES = 64;
/** Bytes of one of them: a file of settings or keys. One line of a socket carries it in base64. */
export const MAX_INCLUDE_BYTES = 1024 * 1024;
/** Characters of an included file's path in the workspace. */
const MAX_INCLUDE_PATH_CHARS = 256;

/** The place of an included file in a workspace: below it, and not in a folder of git. */
export const IncludePath = z
  .string()
  .min(1)
  .max(MAX_INCLUDE_PATH_CHARS)
  .regex(/^[^\p{Cc}\p{Cf}\u2028\u2029\ufffd\\]+$/u, "a path has no control character and no backslash")
  .refine(
    (path) => path.split("/").every((part) => part !== "" && part !== "." && part !== ".." && part.toLowerCase() !== ".git"),
    "a path is relative to the workspace, such as config/local.env, without empty parts, '.', '..' and .git",
  )
  .refine((path) => path === path.trim(), "a path has no space at its ends");

/** The content of an included file, in base64. */
export const IncludeContent = z.base64().max(Math.ceil(MAX_INCLUDE_BYTES / 3) * 4);

/** An included file of a repository, without its content. */
export const IncludeView = z.object({
  path: z.string(),
  bytes: z.number().int(),
  /** True if it is copied as a program. */
  executable: z.boolean(),
  added_at: Instant,
});
export type IncludeView = z.infer<typeof IncludeView>;

/** An included file as a harness copies it. */
export const IncludedFile = z.object({ path: IncludePath, content: IncludeContent, executable: z.boolean() });
export type IncludedFile = z.infer<typeof IncludedFile>;
