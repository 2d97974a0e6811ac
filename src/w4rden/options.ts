import { isAbsolute, normalize } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { schemaComplaint } from "../wire/error.ts";

/** What root asks the helper to do. Nothing else reaches these values: the daemon has no part in them. */
const Options = z.strictObject({
  command: z.literal("start"),
  /** The system user that the daemon runs as. */
  user: z.string().regex(/^[a-z_][a-z0-9_-]{0,30}$/, "it is the name of a system user"),
  state: z
    .string()
    .refine((path) => isAbsolute(path) && normalize(path) === path && path !== "/", "it is an absolute path, without . and .."),
  /** The folder of root's records: which hive has which uids. */
  etc: z.string().refine(isAbsolute, "it is an absolute path"),
  /** The state folder of an earlier version, which is moved if the new one is empty. */
  old: z.string().refine(isAbsolute, "it is an absolute path").optional(),
  /** Prints what the start would do, and does nothing. */
  dryRun: z.boolean(),
  /** Arguments of the daemon. */
  daemon: z.array(z.string().max(4096)).max(64),
});
export type Options = z.infer<typeof Options>;

export const USER = "hyperhive";
export const STATE = "/var/lib/hyperhive";
export const ETC = "/etc/hyperhive";

export const HELP = `hive-w4rden: what of hyperhive needs root

  hive-w4rden start [options] [-- arguments]   start the daemon as a user of its
                                               own, with arguments of hive-c0re

  --user NAME      the system user (${USER}); made if it is missing
  --state FOLDER   the state folder (HIVE_STATE_DIR, or ${STATE})
  --etc FOLDER     the folder of root's records (${ETC})
  --old FOLDER     the state folder of a daemon that ran as root; it is moved if
                   the state folder is empty
                   (~/.local/state/hyperhive, unless a state folder is named)
  --dry-run        print what would be done to users and folders, and do nothing
`;

/** Reads the command line. `stateDir` is the setting HIVE_STATE_DIR, `old` where root's daemon had its state. Undefined asks for help. Throws an error to print. */
export function readOptions(argv: readonly string[], stateDir: string | undefined, oldDefault?: string): Options | undefined {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      user: { type: "string", default: USER },
      state: { type: "string", ...(stateDir === undefined ? {} : { default: stateDir }) },
      old: { type: "string" },
      "dry-run": { type: "boolean", default: false },
      etc: { type: "string", default: ETC },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [command, ...daemon] = positionals;
  if (values.help || command === undefined) return undefined;
  const { user, state = STATE, etc, old = values.state === undefined ? oldDefault : undefined } = values;
  const given = { command, user, state: state.replace(/(?<=.)\/+$/, ""), etc, old, dryRun: values["dry-run"], daemon };
  const parsed = Options.safeParse(given);
  if (!parsed.success) throw new Error(schemaComplaint(parsed.error));
  return parsed.data;
}
