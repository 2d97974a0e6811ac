import type { Agent } from "../agents/agent.ts";
import type { Swarm } from "../agents/swarm.ts";
import type { ApprovalRecord } from "../store/approvals.ts";
import type { Store } from "../store/store.ts";
import type { ApprovalView, Sha } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import { contentOf, digestOf } from "./digest.ts";
import { approvalView } from "./view.ts";

export interface RequestReaderDeps {
  store: Pick<Store, "approvals">;
  swarm: Pick<Swarm, "find">;
}

/** Reads the stored requests, and shows them against what their agents run now. */
export class RequestReader {
  readonly #deps: RequestReaderDeps;

  constructor(deps: RequestReaderDeps) {
    this.#deps = deps;
  }

  /** A request by its id. Throws `not_found`. */
  get(id: number): ApprovalRecord {
    const row = this.#deps.store.approvals.byId(id);
    if (!row) throw new HiveError("not_found", `there is no request ${id}`);
    return row;
  }

  view(row: ApprovalRecord): ApprovalView {
    return approvalView(row, { base: this.base(row), digest: digestOf(contentOf(row), this.runningContent(row.name)) });
  }

  /**
   * The commit that a request is compared with: the running one while it is pending, afterwards the one at the
   * decision.
   */
  base(row: ApprovalRecord): Sha | undefined {
    return row.state === "pending" ? this.running(row) : (row.decided_base ?? undefined);
  }

  /** The commit that the agent of a request runs now. */
  running(row: ApprovalRecord): Sha | undefined {
    return this.agentOf(row)?.record.deployedSha;
  }

  /** The live agent of a request. */
  agentOf(row: ApprovalRecord): Agent | undefined {
    const agent = this.#deps.swarm.find(row.name);
    return agent && !agent.destroyed ? agent : undefined;
  }

  /** What the agent of this name runs now. */
  runningContent(name: string): string | undefined {
    const agent = this.#deps.swarm.find(name);
    if (!agent || agent.destroyed || agent.record.deployedRequest === undefined) return undefined;
    const row = this.#deps.store.approvals.byId(agent.record.deployedRequest);
    return row && contentOf(row);
  }
}
