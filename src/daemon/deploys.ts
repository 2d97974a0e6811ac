import { open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Identity } from "../platforms/port.ts";
import type { Agent } from "../agents/agent.ts";
import { NIX_TEMPLATE } from "../agents/template.ts";
import { AutoUpdate } from "../deploys/auto-update.ts";
import { RequestStore } from "../deploys/request-store.ts";
import { lookForDrift } from "../deploys/drift.ts";
import { Deploys } from "../deploys/deploys.ts";
import { recover } from "../deploys/recovery.ts";
import { refreshMarks } from "../deploys/marks.ts";
import { riskMarks } from "../deploys/risks.ts";
import { Requests } from "../deploys/requests.ts";
import { shownDiff } from "../deploys/shown.ts";
import type { KnownNames } from "../deploys/unknown-names.ts";
import { validateConfig } from "../deploys/validate.ts";
import type { DeployContext } from "../deploys/deploy-context.ts";
import type { Paths } from "../lib/paths.ts";
import { HiveError } from "../wire/error.ts";
import { MANAGER, OPERATOR, SYSTEM } from "../wire/names.ts";
import { tryMounts } from "./mounts.ts";
import { nameOf } from "./owner-maps.ts";

/** The bwrap driver takes agent.json and INSTRUCTIONS.md; Nix code is for another driver. */
const EVALUATES_NIX = false;
/** Bytes and lines of a cage's log that go into the words of a failure: enough to see why a program ended. */
const TAIL_BYTES = 4_096;
const TAIL_LINES = 15;

/** What a test or the root gives; `openDeploys` makes the rest of the context. */
type Given = Omit<
  DeployContext,
  "validate" | "shown" | "risks" | "generationFolder" | "tryMounts" | "userName" | "checkSpec" | "logTail" | "leftover"
>;

export interface DeployParts extends Given {
  paths: Paths;
  /** Prefixes of model ids that the operator's prices name. */
  models: readonly string[];
  specs: {
    /** Makes the specification of a cage without starting it. */
    of(agent: Agent): Promise<unknown>;
    /** The agent's identity on the host, or the one that a new agent would have. */
    identityOf(agent: Agent | undefined): Identity;
  };
}

export type HiveDeploys = ReturnType<typeof openDeploys>;

/** Requests, approvals and deploys, put together. */
export function openDeploys(parts: DeployParts) {
  const { paths, specs, models, ...rest } = parts;
  const known = (): KnownNames => ({ models, agents: parts.swarm.all().map((agent) => agent.name) });
  const generationFolder = (agent: Agent, generation: number): string => paths.agent(agent.id).generation(generation);
  const context: DeployContext = {
    ...rest,
    validate: validateConfig,
    shown: (changes, head) => shownDiff(changes, head, EVALUATES_NIX),
    risks: ({ base, head, diff }) =>
      riskMarks(base, head, diff, { evaluatesNix: EVALUATES_NIX, template: NIX_TEMPLATE, known: known() }),
    generationFolder,
    tryMounts: (agent, mounts, approved) => tryMounts(mounts, specs.identityOf(agent), paths, approved),
    userName: nameOf,
    checkSpec: async (agent) => void (await specs.of(agent)),
    logTail: (agent) => tailOf(paths.agent(agent.id).log),
    async leftover(agent, row) {
      await parts.allStop.afterDeploy(agent);
      // Pending requests may name the agent that has just come into being.
      if (row.kind === "spawn") await refreshMarks(context, requestStore);
      await parts.repos.meta.refreshCheckout();
      await lookForDrift(context);
      const folder = join(paths.agent(agent.id).root, "generations");
      const running = String(agent.record.generation);
      for (const name of await readdir(folder))
        if (name !== running) await rm(join(folder, name), { recursive: true, force: true });
    },
  };
  const requestStore = new RequestStore(context);
  const deploys = new Deploys(context, requestStore);
  const requests = new Requests(context, requestStore, deploys);
  const autoUpdate = new AutoUpdate(context, requests, deploys);
  return {
    context,
    requestStore,
    deploys,
    requests,
    autoUpdate,
    async recover() {
      const recovered = await recover(context, requestStore);
      // The rules for marks may be newer than the requests.
      await refreshMarks(context, requestStore);
      return recovered;
    },

    /** An agent is gone: pending requests may name it. */
    gone: () => refreshMarks(context, requestStore),

    /** The manager comes into being with the first start. A failure is told, and tried again by the next one. */
    async firstStart(): Promise<void> {
      if (parts.swarm.manager() || parts.allStop.isOn) return;
      const description = "coordinates the hive";
      const asked = await requests.spawn({ name: MANAGER, description, by: SYSTEM, origin: "first_start" });
      const row = await deploys.settled(asked.id);
      if (row.state !== "deployed") parts.onUnexpected(new Error(`${MANAGER} could not be started: ${row.error ?? row.state}`));
    },

    /** Takes a purged agent's repositories away, and its line out of the ledger. Its rows and the ledger's history stay. */
    async forget(name: string): Promise<void> {
      const { meta } = parts.repos;
      const facts = { message: `purge ${name}`, author: OPERATOR, at: parts.now() };
      for (;;) {
        const head = await meta.head();
        if ((await meta.ledger(head))[name] === undefined) break;
        if ((await meta.publish(await meta.candidate(head, name, undefined, facts), head)).ok) break;
      }
      await parts.repos.removeProposed(name);
      await parts.repos.applied(name).remove();
      await meta.refreshCheckout();
    },

    /** Waits for a deploy that somebody has asked for, and throws the words of a failure. */
    async through(id: number): Promise<void> {
      const row = await deploys.settled(id);
      if (row.state !== "deployed") throw new HiveError("unavailable", `request ${id} has failed: ${row.error ?? row.state}`);
    },
  };
}

async function tailOf(file: string): Promise<string> {
  try {
    const handle = await open(file, "r");
    try {
      const { size } = await handle.stat();
      const length = Math.min(size, TAIL_BYTES);
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString("utf8").trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
    } finally {
      await handle.close();
    }
  } catch {
    // No log: the words of the failure stand alone.
    return "";
  }
}
