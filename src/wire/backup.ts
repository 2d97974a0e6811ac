import { z } from "zod";
import { Instant, Seq } from "./names.ts";

/** Progress of a backup. */
export const BackupProgress = z.object({
  /** The file that is being written. */
  part: z.string(),
  bytes: z.number(),
  /** Expected size in bytes, where it is known. */
  all: z.number().optional(),
});
export type BackupProgress = z.infer<typeof BackupProgress>;

/** A finished backup. */
export const BackupView = z.object({
  folder: z.string(),
  created_at: Instant,
  bytes: z.number(),
  agents: z.number().int(),
  /** The backup contains everything up to this position of the hive's sequence. */
  seq: Seq,
  /** Files of agents that could not be read, in words. */
  complaints: z.array(z.string()),
});
export type BackupView = z.infer<typeof BackupView>;
