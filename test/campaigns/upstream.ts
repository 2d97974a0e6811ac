import { dirname } from "node:path";
import { existsSync } from "node:fs";
import { changeLife } from "./change-life.ts";
import { FollowedHost } from "./followed-host.ts";

/** The workload `upstream` of the power cuts: merges are pushed to a git server, whose disk the cuts do not affect. */
const [mode, database = "", log = "", round = ""] = process.argv.slice(2);
// A new disk is a new hive, and follows a new repository.
const host = await FollowedHost.open(dirname(log), { isNew: mode === "write" && !existsSync(dirname(database) + "/s") });
try {
  await changeLife({ mode, database, log, round, host });
} finally {
  await host.close();
}
