import { z } from "zod";
import { Instant, Seq } from "./names.ts";

/** How far a backup is. */
export const BackupProgress = z.object({
  /** The file that is being written. */
  part: z.string(),
  bytes: z.number(),
  /** Bytes that it will have, where that is known. */
  all: z.number().optional(),
});
export type BackupProgress = z.infer<typeof BackupProgress>;

/** A backup that was taken. */
export const BackupView = z.object({
  folder: z.string(),
  created_at: Instant,
  bytes: z.number(),
  agents: z.number().int(),
  /** Whatever had this number of the hive's sequence, or a lower one, is in it. */
  seq: Seq,
  /** Files of agents that could not be read, in words. */
  complaints: z.array(z.string()),
});
export type BackupView = z.infer<typeof BackupView>;
