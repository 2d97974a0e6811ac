import { z } from "zod";

/** The file that makes a folder a backup. It is written last, so a backup without it was never finished. */
export const MANIFEST = "manifest.json";
/** The format that this program writes. A newer one is refused: its parts may have another meaning. */
export const FORMAT = 2;

/** The parts of a backup, each a file next to the manifest. */
export const PARTS = {
  database: "hive.db",
  /** Applied repositories, the ledger and the deployed configs, consistent with the database. */
  deployed: "deployed.tar",
  /** What the agents and their manager wrote, as found: notes, sessions, logs, proposed repositories. */
  agents: "agents.tar",
  /** The repositories that agents work on, and the logs of checks. Format 1 has none. */
  repositories: "repositories.tar",
} as const;
/** Parts of the oldest format. */
const MIN_PARTS = 3;

const Part = z.object({
  file: z.enum(PARTS),
  bytes: z.number().int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "not a SHA-256"),
});

/** An agent's id as a hive makes it. It becomes the name of a folder. */
const AgentId = z.string().regex(/^a[0-9a-f]{12}$/, "not an agent's id");

/** The description of a backup. */
export const Manifest = z.object({
  format: z.number().int(),
  /** The version of the program that wrote it. */
  version: z.string(),
  hive_id: z.string(),
  created_at: z.string().datetime(),
  /**
   * The newest number of the hive's sequence before the copy began. The backup contains everything acknowledged by
   * then.
   */
  seq: z.number().int(),
  /** True if root took it: agents then have their own host uids, which only root can restore. */
  by_root: z.boolean(),
  agents: z.array(z.object({ id: AgentId, name: z.string() })),
  parts: z.array(Part).min(MIN_PARTS).max(Object.keys(PARTS).length),
});
export type Manifest = z.infer<typeof Manifest>;
