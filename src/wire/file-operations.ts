import { z } from "zod";
import { MAX_FILE_NAME_CHARS, MAX_PIECE_BYTES, MAX_UPLOAD_BYTES } from "./file-limits.ts";
import { FileEntry, FileKind, FilePath, FileView } from "./files.ts";
import { AgentName } from "./names.ts";
import { nothing, type Operation } from "./operation.ts";

const onePath = z.object({ name: AgentName, path: FilePath });

/** The operations on the files of an agent. They work whether it runs or not. */
export const fileOperations = {
  file_list: {
    summary: "The names in a folder of an agent, in /state or /work: files, folders, and the rest as what it is.",
    callers: ["operator"],
    input: onePath,
    output: z.object({
      entries: z.array(FileEntry),
      /** How many names the folder has besides. */
      more: z.number().int(),
      /** It has even more: no further name was counted. */
      uncounted: z.boolean().optional(),
    }),
  },
  file_read: {
    summary: "A file of an agent: its text, or a picture. Of other files and long ones only the size.",
    callers: ["operator"],
    input: onePath,
    output: z.object({ file: FileView }),
  },
  file_download: {
    summary: "A file of an agent, or all files of a folder as a tar archive: what it is, then its bytes in pieces.",
    callers: ["operator"],
    // Pages get the bytes by GET /api/download/<agent>.
    stream: true,
    input: onePath,
    output: z.object({
      /** In the first answer. */
      what: z.enum(["file", "folder"]).optional(),
      /** The length of a file. */
      bytes: z.number().int().optional(),
      /** What an archive leaves out because it is neither a file nor a folder. At most 50 are named. */
      left_out: z.array(z.object({ path: z.string(), kind: FileKind })).optional(),
      left: z.number().int().optional(),
      /** In the following ones. */
      piece: z.string().optional(),
      /** In the last one: everything was sent. */
      done: z.literal(true).optional(),
    }),
  },
  upload_start: {
    summary: "Begin to send a file to an agent. It will be a new file in its /state/inbox, under a name that the hive makes.",
    callers: ["operator"],
    takesIn: true,
    input: z.object({
      name: AgentName,
      /** The file's name where it comes from. What is harmless of it is part of its new name. */
      file: z.string().max(MAX_FILE_NAME_CHARS),
      bytes: z.number().int().min(0).max(MAX_UPLOAD_BYTES),
    }),
    output: z.object({ upload: z.uuid() }),
  },
  upload_piece: {
    summary: "Send the next bytes of a file, in base64. After a minute without any the upload is given up.",
    callers: ["operator"],
    input: z.object({ upload: z.uuid(), piece: z.base64().max(Math.ceil(MAX_PIECE_BYTES / 3) * 4) }),
    output: nothing,
  },
  upload_finish: {
    summary: "End an upload. The file is there, whole and on stable storage, or not at all.",
    callers: ["operator"],
    input: z.object({ upload: z.uuid() }),
    output: z.object({
      /** Where the agent finds it. */
      path: z.string(),
    }),
  },
} as const satisfies Record<string, Operation>;
