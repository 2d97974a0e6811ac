import { mountOwners, type ApprovalRecord } from "../store/approvals.ts";
import type { Sha } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import { hivectl } from "../lib/hivectl.ts";
import { SYSTEM } from "../wire/names.ts";
import { isOperator } from "../wire/roles.ts";
import { isInFlight } from "../wire/request-states.ts";
import type { DeployContext } from "./deploy-context.ts";
import type { Deploys } from "./deploys.ts";
import { contentOf, digestOf } from "./digest.ts";
import { tagEnd } from "./finish.ts";
import { checkMayMount } from "./mounts.ts";
import { tagMoment } from "./projection.ts";
import { namedUnshown } from "../diffs/named-unshown.ts";
import { readDiff } from "./request-diff.ts";
import { unreadNix } from "./nix-read.ts";
import type { RequestStore } from "./request-store.ts";

/** What the operator had seen when approving. */
export interface Seen {
  sha?: Sha | undefined;
  digest?: string | undefined;
  /** Paths of files that are not shown whole as text but are approved. */
  unshown?: readonly string[] | undefined;
  note?: string | undefined;
}

/** Who approves, and how. */
export interface Approver {
  by: string;
  /** True for a browser, which has shown a diff. */
  digestNeeded: boolean;
  /** False if an approval may not give an agent another folder of the host. */
  mayMount?: boolean;
}

/** The note to store. Empty if none was given, so that an earlier note stays. */
function noteOf({ note }: { note?: string | undefined }): { note?: string } {
  const text = note?.trim();
  return text ? { note: text } : {};
}

/** Approves, denies and cancels requests. */
export class Decisions {
  readonly #context: DeployContext;
  readonly #requestStore: RequestStore;
  readonly #deploys: Deploys;
  /** Requests that are being denied. Their tag is being set, and their row changes after it. */
  readonly #deciding = new Set<number>();

  constructor(context: DeployContext, requestStore: RequestStore, deploys: Deploys) {
    this.#context = context;
    this.#requestStore = requestStore;
    this.#deploys = deploys;
  }

  /**
   * Approves a request if the running config is still the one that was shown: the one in the digest or, without a
   * digest, the one at the time of the request. Content that is not shown must be named. The deploy then runs in the
   * background.
   */
  async approve(id: number, seen: Seen, { by, digestNeeded, mayMount = true }: Approver): Promise<ApprovalRecord> {
    const { store, now } = this.#context;
    const pending = this.#undecided(id, "approve");
    this.#context.allStop.check();
    await this.#checkPinned(pending);
    this.#checkSeen(pending, seen, digestNeeded);
    const base = this.#requestStore.running(pending);
    await this.#checkFollows(pending, base);
    if (!mayMount) await this.#checkMounts(pending, base);
    const files = await readDiff(this.#context, pending, base);
    const unshown = namedUnshown(files, seen.unshown ?? [], {
      subject: `request ${pending.id}`,
      look: hivectl(`show ${pending.id} --file <path>`),
      how: "`--unshown <path>`, or `unshown` in the call",
    });
    const read = await this.#readsNix(pending, base);
    const row = await store.write((tx) => {
      const found = this.#undecided(id, "approve");
      this.#checkSeen(found, seen, digestNeeded);
      if (this.#requestStore.running(found) !== base) throw changedSince();
      const digest = digestOf(contentOf(found), this.#requestStore.runningContent(found.name));
      const patch = { digest, approved_at: now(), resolved_by: by, ...noteOf(seen), ...read };
      return this.#requestStore.move(tx, id, "approve", by, patch, unshown.length === 0 ? {} : { unshown });
    });
    await tagMoment(this.#context, row, "approved");
    void this.#deploys.run(row).catch(this.#context.onUnexpected);
    return row;
  }

  /**
   * Checks that the proposed commit still exists and that its tag still names it. A moved tag means that the repository
   * was edited by hand.
   */
  async #checkPinned(row: ApprovalRecord): Promise<void> {
    const repo = this.#context.repos.applied(row.name);
    if (!(await repo.has(row.sha)))
      throw new HiveError("unavailable", `the applied repository of ${row.name} is damaged: ${row.sha} is not in it`);
    const pinned = await repo.tagged(`proposal/${row.id}`);
    if (pinned !== undefined && pinned !== row.sha)
      throw new HiveError("conflict", `proposal/${row.id} names ${pinned} now, not ${row.sha}: look again`);
  }

  /** Throws if the commit does not descend from the running one. Its build would fail, so it is refused here. */
  async #checkFollows(row: ApprovalRecord, running: Sha | undefined): Promise<void> {
    if (running === undefined || (await this.#context.repos.applied(row.name).isAncestor(running, row.sha))) return;
    const words = `request ${row.id} does not follow what runs (${running.slice(0, 12)}), which was deployed after it was made`;
    throw new HiveError(
      "conflict",
      `${words}: it would undo that deploy. Propose it again on what runs (${hivectl(`propose ${row.name} --from ${row.id}`)}, or "edit again" on its page), or deny it with a note for ${row.requested_by}`,
    );
  }

  /**
   * The card shows the lines of Nix files where they are evaluated, as they differ from what runs. Throws if the code of
   * what runs was never shown: an approval would take it along.
   */
  async #readsNix({ name }: ApprovalRecord, running: Sha | undefined): Promise<Pick<ApprovalRecord, "nix_read"> | undefined> {
    const { platform, repos, store, swarm, paths } = this.#context;
    if (!platform.evaluatesNix) return undefined;
    if (running !== undefined) {
      const { id, record } = swarm.byName(name);
      const isBuilt = platform.isBuilt(paths.agent(id).generation(record.generation));
      const files = await repos.applied(name).files(running);
      const unread = unreadNix(store, { name, sha: running, files, isBuilt });
      if (unread !== undefined) throw new HiveError("conflict", `what runs of ${name} has to be read first: ${unread}`);
    }
    return { nix_read: 1 };
  }

  /** Throws if the request adds a mount to what runs. */
  async #checkMounts(row: ApprovalRecord, base: Sha | undefined): Promise<void> {
    const repo = this.#context.repos.applied(row.name);
    const before =
      base === undefined
        ? { files: [], owners: {} }
        : { files: await repo.files(base), owners: this.#context.store.approvals.mountOwners(row.name, base) };
    checkMayMount(false, row.name, before, { files: await repo.files(row.sha), owners: mountOwners(row) });
  }

  #checkSeen(row: ApprovalRecord, seen: Seen, digestNeeded: boolean): void {
    if (row.kind === "spawn") this.#context.swarm.checkFree(row.name);
    else if (!this.#requestStore.agentOf(row)) throw new HiveError("conflict", `${row.name} has been destroyed`);
    if (seen.sha !== undefined && seen.sha !== row.sha)
      throw new HiveError("conflict", `request ${row.id} is about ${row.sha}, not ${seen.sha}: look again`);
    if (seen.digest === undefined && digestNeeded)
      throw new HiveError("bad_request", "digest: an approval must name the digest of what was shown");
    const running = this.#requestStore.running(row) ?? null;
    const isUnchanged =
      seen.digest === undefined
        ? running === row.base_sha
        : seen.digest === digestOf(contentOf(row), this.#requestStore.runningContent(row.name));
    if (!isUnchanged) throw changedSince();
  }

  async deny(id: number, note: string | undefined, by: string): Promise<ApprovalRecord> {
    const resolved = { note: note?.trim() || null, resolved_by: by, resolved_at: this.#context.now() };
    const found = this.#undecided(id, "deny");
    this.#deciding.add(id);
    try {
      // Set the tag first, because readers that the row notifies read the tag at once. `#deciding` blocks other
      // decisions meanwhile.
      await tagEnd(this.#context, { ...found, ...resolved, state: "denied" }).catch(this.#context.onUnexpected);
      return await this.#context.store.write((tx) => this.#requestStore.move(tx, id, "deny", by, resolved));
    } finally {
      this.#deciding.delete(id);
    }
  }

  /** Returns a request that is open for a decision. Throws if it is not, or if it is being denied. */
  #undecided(id: number, event: "approve" | "deny" | "cancel"): ApprovalRecord {
    const row = this.#requestStore.get(id);
    this.#requestStore.check(row, event);
    if (this.#deciding.has(id)) throw new HiveError("conflict", `request ${id} is being denied: there is nothing to ${event}`);
    return row;
  }

  /**
   * Cancels a request. The operator may cancel any, the manager only its own. A request that is being built fails with
   * that reason. Resolves when it has ended.
   */
  async cancel(id: number, by: string, why: { note?: string | undefined } = {}): Promise<ApprovalRecord> {
    const mayCancel = (row: ApprovalRecord): void => {
      if (!isOperator(by) && row.requested_by !== by)
        throw new HiveError("forbidden", `request ${id} is not yours: only ${row.requested_by} or the operator can cancel it`);
    };
    const deploying = this.#undecided(id, "cancel");
    if (isInFlight(deploying.state)) {
      mayCancel(deploying);
      return this.#deploys.cancelBuild(id, by, why.note);
    }
    return this.#context.store.write((tx) => {
      const row = this.#undecided(id, "cancel");
      mayCancel(row);
      return this.#requestStore.move(tx, id, "cancel", by, { resolved_by: by, resolved_at: this.#context.now(), ...noteOf(why) });
    });
  }

  /** Called before an agent is destroyed. Cancels its pending requests. Throws if one is being deployed. */
  async clearFor(name: string): Promise<void> {
    await this.#context.store.write((tx) => {
      const open = this.#context.store.approvals.openOf(name);
      const busy = open.find((row) => isInFlight(row.state));
      if (busy) throw new HiveError("conflict", `request ${busy.id} is being deployed: try again when it has ended`);
      for (const row of open.filter((one) => !this.#deciding.has(one.id)))
        this.#requestStore.move(tx, row.id, "cancel", SYSTEM, {
          resolved_by: SYSTEM,
          resolved_at: this.#context.now(),
          note: `${name} was destroyed`,
        });
    });
  }
}

const changedSince = (): HiveError => new HiveError("conflict", "what runs has changed since, look again");
