import { HiveError } from "../wire/error.ts";
import { MANAGER, SYSTEM } from "../wire/names.ts";
import { AutoUpdate } from "./auto-update.ts";
import type { DeployContext } from "./deploy-context.ts";
import { Decisions } from "./decisions.ts";
import { Deploys } from "./deploys.ts";
import { forget } from "./leftover.ts";
import { refreshMarks } from "./marks.ts";
import { recover } from "./recovery.ts";
import { RequestStore } from "./request-store.ts";
import { Requests } from "./requests.ts";

export type HiveDeploys = ReturnType<typeof openDeploys>;

/** Requests, approvals and deploys. */
export function openDeploys(context: DeployContext) {
  const requestStore = new RequestStore(context);
  const deploys = new Deploys(context, requestStore);
  const requests = new Requests(context, requestStore, deploys);
  const decisions = new Decisions(context, requestStore, deploys);
  const autoUpdate = new AutoUpdate(context, requests, deploys);
  return {
    context,
    requestStore,
    deploys,
    requests,
    decisions,
    autoUpdate,
    async recover() {
      const recovered = await recover(context, requestStore);
      // The rules for marks may be newer than the requests.
      await refreshMarks(context, requestStore);
      return recovered;
    },

    /** Updates pending requests after something that their marks name has changed: an agent, an included file. */
    marksChanged: () => refreshMarks(context, requestStore),

    /** Spawns the manager at the first start. A failure is reported, and the next start tries again. */
    async firstStart(): Promise<void> {
      if (context.swarm.manager() || context.allStop.isOn) return;
      const description = "coordinates the hive";
      const asked = await requests.spawn({ name: MANAGER, description, by: SYSTEM, origin: "first_start" });
      const row = await deploys.finished(asked.id);
      if (row.state !== "deployed") context.onUnexpected(new Error(`${MANAGER} could not be started: ${row.error ?? row.state}`));
    },

    /** Removes what is left of a purged agent. `by` is the author of the commit in the ledger. */
    forget: (name: string, by: string) => forget(context, name, by),

    /** Waits for the end of a deploy. Throws the reason of a failure. */
    async through(id: number): Promise<void> {
      const row = await deploys.finished(id);
      if (row.state !== "deployed") throw new HiveError("unavailable", `request ${id} has failed: ${row.error ?? row.state}`);
    },
  };
}
