import { createServer } from "node:http";
import type { Agent } from "../../agents/agent.ts";
import { closeHttp, listenHttp } from "../../rpc/http-listener.ts";
import { HiveError } from "../../wire/error.ts";
import { MAX_AGENT_BRANCHES } from "../../wire/limits.ts";
import { OPERATOR } from "../../wire/names.ts";
import type { Repositories } from "../repositories.ts";
import { accessOf, type WorkContext } from "../work-context.ts";
import type { Branches } from "./branches.ts";
import type { GitCaller, GitEndpoint, OpenedRepo } from "./endpoint.ts";
import type { PushRules } from "./push-rules.ts";
import { refNames } from "./view.ts";

/** Connections of one cage: git opens a few for each command, and an agent runs few at once. */
const MAX_CONNECTIONS = 16;

const MIB = 1024 * 1024;

export interface AgentGitDeps {
  context: Pick<WorkContext, "agents" | "store">;
  repositories: Pick<Repositories, "find" | "tips" | "tags">;
  branches: Pick<Branches, "topics" | "topicsOf">;
  endpoint: GitEndpoint;
}

/** The git socket of each agent. The socket is the identity; the deployed config is the access. */
export class AgentGit {
  readonly #deps: AgentGitDeps;

  constructor(deps: AgentGitDeps) {
    this.#deps = deps;
  }

  /** Opens an agent's socket. Replaces that of an earlier daemon. Its `close` ends the requests, too. */
  async listen(agent: Agent, path: string): Promise<{ close(): Promise<void> }> {
    const caller = this.callerFor(agent);
    const inWork = new Set<Promise<void>>();
    const server = createServer({ requestTimeout: 0 }, (request, response) => {
      const one = this.#deps.endpoint.serve(request.url ?? "/", request, response, caller).finally(() => inWork.delete(one));
      inWork.add(one);
    });
    await listenHttp(server, path, MAX_CONNECTIONS);
    return {
      async close() {
        await closeHttp(server);
        await Promise.all(inWork);
      },
    };
  }

  callerFor(agent: Agent): GitCaller {
    return { pusher: { id: agent.id, name: agent.name }, open: (repo) => this.#open(agent, repo) };
  }

  #open(agent: Agent, repo: string): OpenedRepo {
    const { repositories, branches } = this.#deps;
    const found = repositories.find(repo);
    const access = agent.destroyed ? undefined : accessOf(agent, repo);
    if (!found || access === undefined) throw new HiveError("not_found", noAccess(agent, repo));
    const base = agent.config.repos.find(({ name }) => name === repo)?.base ?? found.settings.base;
    return {
      names: refNames(
        { bases: repositories.tips(repo), tags: repositories.tags(repo), topics: branches.topics(repo) },
        agent.name,
      ),
      head: `refs/heads/${base}`,
      rules: () => {
        if (access !== "write") throw new HiveError("forbidden", `${agent.name} may read ${repo} and not push to it`);
        return this.#rules(agent, repo);
      },
    };
  }

  #rules(agent: Agent, repo: string): PushRules {
    const { context, repositories, branches } = this.#deps;
    const topics = branches.topicsOf(repo, agent.id);
    const elsewhere = context.store.repositories.branchesOfAgent(agent.id).length - topics.size;
    const names = context.agents.allWithDestroyed().map(({ name }) => name);
    return {
      self: agent.name,
      bases: repositories.tips(repo),
      others: new Set(
        [...names, ...branches.topics(repo).map(({ owner }) => owner), OPERATOR].filter((one) => one !== agent.name),
      ),
      topics,
      maxTopics: MAX_AGENT_BRANCHES - elsewhere,
      bytesLeft: agent.config.limits.disk_mib * MIB - context.store.repositories.pushedBytes(agent.id),
      whyNoBase: "which only the merge queue moves",
      howToTag: `the tags are those of the folder that ${repo} follows. Push a branch, and ask the operator for the tag`,
    };
  }
}

function noAccess(agent: Agent, repo: string): string {
  const names = agent.config.repos.map(({ name }) => name);
  return `${agent.name} has no repository ${repo}: ${names.length === 0 ? "its config names none" : `it has ${names.join(", ")}`}`;
}
