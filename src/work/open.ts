import type { Agent } from "../agents/agent.ts";
import type { ChangeRecord } from "../store/changes.ts";
import type { AgentConfig } from "../wire/config.ts";
import { assignedTo, repoComplaints } from "./assigned.ts";
import { ChangeDecisions } from "./change-decisions.ts";
import { ChangeStore } from "./change-store.ts";
import { Changes } from "./changes.ts";
import { Comments } from "./comments.ts";
import { applyDeclared } from "./declared.ts";
import { Divergences } from "./divergences.ts";
import { PullRequests } from "./forge/pull-requests.ts";
import { Collector } from "./gc/collector.ts";
import { IncludeFiles } from "./include-files.ts";
import { KeptWorkspaces } from "./kept-workspaces.ts";
import { MergeQueue } from "./queue/merge-queue.ts";
import { News } from "./news.ts";
import { readProject } from "./project.ts";
import { Remotes } from "./remote/remotes.ts";
import { Swaps } from "./remote/swaps.ts";
import { Repositories } from "./repositories.ts";
import { isChangeOver } from "../wire/change-states.ts";
import { Reverts } from "./reverts.ts";
import { makeSample } from "./sample.ts";
import { Upstreams } from "./upstream.ts";
import { UpstreamPushes } from "./upstream-pushes.ts";
import { openTransport } from "./transport/open.ts";
import type { WorkContext } from "./work-context.ts";
import { workspaceDiff } from "./workspace-diff.ts";

export type HiveWork = ReturnType<typeof openWork>;

/** Repositories, changes and the merge queue. Nothing runs before `start`. */
export function openWork(context: WorkContext) {
  const repositories = new Repositories(context);
  const includes = new IncludeFiles(context, repositories);
  const workspaces = new KeptWorkspaces(context);
  const news = new News(context);
  const changeStore = new ChangeStore(context, (row: ChangeRecord) => {
    repositories.changed(row.repo);
    news.changed(row);
    context.bus.emit("change_stored", { change: row.id, agent: row.agent, isOver: isChangeOver(row.state) });
  });
  const remotes = new Remotes(context, (name) => repositories.find(name)?.upstream);
  const upstreams = new Upstreams({ context, repositories, changeStore, news, remotes });
  const swaps = new Swaps(remotes, upstreams);
  const pushes = new UpstreamPushes({ context, repositories, upstreams, swaps });
  const divergences = new Divergences({ context, repositories, upstreams, news });
  const comments = new Comments(context, changeStore, repositories);
  const changes = new Changes(context, repositories, changeStore, comments);
  const queue = new MergeQueue({ context, repositories, changes: changeStore, swaps });
  const pulls = new PullRequests({
    context,
    repositories,
    changes: changeStore,
    remotes,
    upstreams,
    onMerged(repo) {
      queue.kickAll(repo);
      pushes.kick(repo);
    },
  });
  const decisions = new ChangeDecisions({ context, repositories, changeStore, changes, comments, queue });
  const reverts = new Reverts({ context, repositories, changeStore, changes });
  const transport = openTransport(context, repositories);
  const collector = new Collector({ context, repositories, queue, branches: transport.branches });
  return {
    context,
    repositories,
    includes,
    workspaces,
    changeStore,
    upstreams,
    divergences,
    swaps,
    pushes,
    changes,
    comments,
    queue,
    pulls,
    decisions,
    reverts,
    transport,
    collector,
    news,
    /** What an agent has changed in a workspace, of all files or of one path. */
    workspaceDiff: (agent: Agent, repo: string, path?: string) => workspaceDiff({ context, repositories }, agent, repo, path),
    /** The complaints about the repositories of a config. */
    complaints: (agentName: string, repos: AgentConfig["repos"]) => repoComplaints(agentName, repos, repositories),
    /** The repositories of a config that do not exist, or were added after that moment. */
    newerThan: (at: number, repos: AgentConfig["repos"]) =>
      repos.map(({ name }) => name).filter((name) => (repositories.find(name)?.createdAt ?? Infinity) > at),
    /** Runs the start of an agent's cage while no objects are removed from its repositories. */
    duringStart<T>(agent: Agent, start: () => Promise<T>): Promise<T> {
      return agent.config.repos.reduceRight<() => Promise<T>>(
        (inner, { name }) =>
          () =>
            repositories.uses.during(name, inner),
        start,
      )();
    },
    /** The instructions of repositories that a config follows. */
    project: (repos: AgentConfig["repos"]) => readProject(repos, repositories, context.git),
    /** The repositories of an agent, as its harness makes their workspaces. */
    assignedTo: (agent: Agent) => assignedTo(agent, repositories),
    /** Reads the repositories and finishes what the last daemon left. The queues run from here on. */
    async start(): Promise<void> {
      await repositories.open();
      await applyDeclared(context.declared, repositories);
      await transport.branches.open();
      // A daemon that ended in a purge has left them.
      for (const { id, record } of context.agents.everyone())
        if (record.purgedAt !== undefined) await transport.branches.purge(id);
      await workspaces.open();
      await queue.start();
      pushes.start();
      pulls.start();
    },
    /** Ends the queues, and every git that a client waits for. */
    async stop(): Promise<void> {
      await Promise.all([queue.stop(), pushes.stop(), pulls.stop(), transport.endpoint.close()]);
    },
    /** The first start of a hive in rehearsal makes a repository to try things on. */
    makeSample: () => makeSample({ context, repositories, upstreams }),
    /** Ends what a destroyed agent has begun. */
    async agentRemoved(agent: Pick<Agent, "id">, { purge }: { purge: boolean }): Promise<void> {
      await changes.agentRemoved(agent);
      if (purge) await transport.branches.purge(agent.id);
    },
  };
}
