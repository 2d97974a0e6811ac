import { z } from "zod";
import { PROJECTS } from "../wire/config-repos.ts";
import { schemaComplaint } from "../wire/error.ts";

/** The only file of the harness that reads the environment. The daemon sets it; the host's environment is not passed on. */
const Environment = z.object({
  HIVE_SOCKETS: z.string().default("/run/hive"),
  HIVE_CLAUDE: z.string().default("/opt/hive/bin/claude"),
  HIVE_REVISION: z.string().default("unknown"),
  HIVE_GENERATION: z.coerce.number().int().default(0),
  HIVE_NONCE: z.string().optional(),
  HIVE_HOME: z.string().default("/home/agent"),
  HIVE_WORK: z.string().default("/state"),
  HIVE_WORKSPACES: z.string().default("/work"),
  HIVE_PROJECTS: z.string().default(PROJECTS),
  HIVE_WARM_SECONDS: z.coerce.number().positive().default(600),
  HIVE_AWAY_SECONDS: z.coerce
    .number()
    .positive()
    .default(15 * 60),
  HIVE_PROTOCOL: z.coerce.number().int().optional(),
  PATH: z.string().default("/usr/local/bin:/usr/bin:/bin"),
});

/** The names of all variables that the harness reads. */
export const SETTINGS: readonly string[] = Object.keys(Environment.shape);

export interface HarnessConfig {
  socketsDir: string;
  claude: string;
  revision: string;
  generation: number;
  nonce: string | undefined;
  home: string;
  workDir: string;
  /** Where the clones of repositories are. */
  workspacesDir: string;
  /** Where the instructions of repositories are. */
  projectsDir: string;
  path: string;
  /** How long to keep an idle CLI process. Milliseconds. */
  warmMs: number;
  /** How long to run without a daemon. Milliseconds. */
  awayMs: number;
  /** The protocol version of the hello. Only tests set another one. */
  protocol: number | undefined;
}

export function readHarnessConfig(env: NodeJS.ProcessEnv): HarnessConfig {
  const parsed = Environment.safeParse(env);
  if (!parsed.success) throw new Error(`the harness's settings are not valid: ${schemaComplaint(parsed.error)}`);
  const e = parsed.data;
  return {
    socketsDir: e.HIVE_SOCKETS,
    claude: e.HIVE_CLAUDE,
    revision: e.HIVE_REVISION,
    generation: e.HIVE_GENERATION,
    nonce: e.HIVE_NONCE,
    home: e.HIVE_HOME,
    workDir: e.HIVE_WORK,
    workspacesDir: e.HIVE_WORKSPACES,
    projectsDir: e.HIVE_PROJECTS,
    path: e.PATH,
    warmMs: e.HIVE_WARM_SECONDS * 1000,
    awayMs: e.HIVE_AWAY_SECONDS * 1000,
    protocol: e.HIVE_PROTOCOL,
  };
}
