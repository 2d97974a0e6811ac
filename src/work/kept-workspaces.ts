import { existsSync, lstatSync } from "node:fs";
import { mkdir, opendir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Agent } from "../agents/agent.ts";
import { hivectl } from "../lib/hivectl.ts";
import { SerialQueue } from "../lib/serial-queue.ts";
import { bytesOnDisk } from "../os/disk-use.ts";
import { removeTree } from "../os/remove-tree.ts";
import { run } from "../os/run.ts";
import { HiveError } from "../wire/error.ts";
import { RepoName, type WorkspaceView } from "../wire/work.ts";
import { accessOf, type WorkContext } from "./work-context.ts";

/** Folders of one agent that are listed, and entries that are looked at. An agent makes as many as it likes in /work. */
const MAX_LISTED = 100;
const MAX_ENTRIES = 10_000;
/** From this time on a list measures no further workspace: the operator waits for it. Milliseconds. */
const MEASURE_MS = 30_000;

type Context = Pick<WorkContext, "store" | "agents" | "paths" | "now">;

/** The workspaces of agents as they are on disk. What is in them is the agents', and assumed hostile. */
export class KeptWorkspaces {
  readonly #context: Context;
  /** Removals, one after the other: two of one agent would share a folder. */
  readonly #drops = new SerialQueue();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Removes what a daemon that was killed has not. */
  async open(): Promise<void> {
    for (const agent of this.#context.agents.allWithDestroyed()) await removeDropped(this.#context.paths.agent(agent.id).dropped);
  }

  /** The workspaces of these agents, with their sizes as far as they can be measured in half a minute. */
  async list(agents: readonly Agent[]): Promise<WorkspaceView[]> {
    const { paths, now } = this.#context;
    const until = now() + MEASURE_MS;
    const views: WorkspaceView[] = [];
    for (const agent of agents) {
      const { work } = paths.agent(agent.id);
      for (const repo of await namesIn(work)) {
        const bytes = now() < until ? await bytesOnDisk([join(work, repo)]) : undefined;
        const inConfig = accessOf(agent, repo) !== undefined;
        views.push({ agent: agent.name, repo, in_config: inConfig, ...(bytes === undefined ? {} : { bytes }) });
      }
    }
    return views;
  }

  /**
   * Removes a workspace whose repository is not in the agent's config. It leaves /work at once; its files are removed
   * from a folder in which the agent can put nothing, by a walk that follows no links.
   */
  drop(agent: Agent, repo: string, by: string): Promise<void> {
    return this.#drops.run(() => this.#drop(agent, repo, by));
  }

  async #drop(agent: Agent, repo: string, by: string): Promise<void> {
    const { paths, store, now } = this.#context;
    const { work, dropped } = paths.agent(agent.id);
    // A deploy switches the config in the same order, so none gives the agent the repository between the two steps.
    await agent.serially(async () => {
      if (accessOf(agent, repo) !== undefined)
        throw new HiveError("conflict", `${agent.name} works in its workspace ${repo}: remove ${repo} from its agent.json first`);
      if (lstatSync(join(work, repo), { throwIfNoEntry: false })?.isDirectory() !== true)
        throw new HiveError(
          "not_found",
          `${agent.name} has no workspace ${repo}: ${hivectl(`work list ${agent.name}`)} lists them`,
        );
      await removeDropped(dropped);
      await mkdir(dropped, { mode: 0o700 });
      await rename(join(work, repo), join(dropped, repo)).catch((error: NodeJS.ErrnoException) => {
        throw new HiveError("unavailable", `the workspace ${repo} of ${agent.name} cannot be removed: ${error.message}`);
      });
    });
    await store.write(() =>
      store.ledger.audit(store.nextSeq(), {
        at: now(),
        actor: by,
        kind: "workspace_dropped",
        agent: agent.name,
        detail: { repo },
      }),
    );
    await removeDropped(dropped);
  }
}

/** The folders that may be workspaces: links and files are none. */
async function namesIn(work: string): Promise<string[]> {
  if (!existsSync(work)) return [];
  const names: string[] = [];
  let entries = 0;
  for await (const entry of await opendir(work)) {
    if (entry.isDirectory() && RepoName.safeParse(entry.name).success) names.push(entry.name);
    if (names.length === MAX_LISTED || ++entries === MAX_ENTRIES) break;
  }
  return names.sort();
}

async function removeDropped(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  try {
    await removeTree(folder);
  } catch {
    // Without root, what the agent made unwritable stands in the way. `chmod` follows no links in a folder.
    await run("chmod", ["-R", "u+rwX", "--", folder]);
    await removeTree(folder);
  }
}
