import type { GitObject } from "../../config-repos/objects.ts";
import type { Sha } from "../../wire/approval.ts";
import type { Call, RawAnswer } from "../forge/http.ts";
import type { GitWorker } from "../git/worker.ts";
import type { GitServer } from "../remote/server.ts";

/** The host that the tour's repository follows, as the rest of the work uses it. */
export interface Rehearsed {
  /** False if it was never made to the end, or if the hive is one that was restored from a backup, which leaves it out. */
  readonly exists: boolean;
  /** Makes its repository, with a first commit. */
  make(objects: readonly GitObject[], commit: Sha): Promise<void>;
  /** Makes its repository anew from what the hive has of it. */
  makeFrom(source: GitWorker, repo: string, tip: Sha): Promise<void>;
  /** Its git, as the hive fetches from it and pushes to it. */
  readonly server: GitServer;
  /** Answers a call to its API. */
  ask(call: Call): Promise<RawAnswer>;
}
