import { z } from "zod";

/** What makes a folder a backup: written last, so that a backup without it was never finished. */
export const MANIFEST = "manifest.json";
/** The form that this program writes. A newer one is refused: its parts may mean something else. */
export const FORMAT = 1;

/** The parts of a backup, each a file beside the manifest. */
export const PARTS = {
  /** The database. */
  database: "hive.db",
  /** Applied repositories, the ledger and the deployed configs: of one moment with the database. */
  deployed: "deployed.tar",
  /** What agents and their manager wrote themselves, as it was found: notes, sessions, logs, proposed repositories. */
  agents: "agents.tar",
} as const;

const Part = z.object({
  file: z.enum(PARTS),
  bytes: z.number().int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "not a SHA-256"),
});

/** What a backup says of itself. */
export const Manifest = z.object({
  format: z.number().int(),
  /** The program that wrote it. */
  version: z.string(),
  hive_id: z.string(),
  created_at: z.string().datetime(),
  /** The newest number of the hive's sequence before the copy began: whatever was acknowledged by then is in it. */
  seq: z.number().int(),
  /** Agents have host uids of their own when root took it; only root can give them back. */
  by_root: z.boolean(),
  agents: z.array(z.object({ id: z.string(), name: z.string() })),
  parts: z.array(Part).length(Object.keys(PARTS).length),
});
export type Manifest = z.infer<typeof Manifest>;
