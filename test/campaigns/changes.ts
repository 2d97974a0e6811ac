import { changeLife } from "./change-life.ts";

/** The workload `changes` of the power cuts: pushes and merges in a repository of the hive alone. */
const [mode, database = "", log = "", round = ""] = process.argv.slice(2);
await changeLife({ mode, database, log, round });
