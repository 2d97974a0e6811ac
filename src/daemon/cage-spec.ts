import { existsSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { CAGE_PATH } from "../os/launch-env.ts";
import type { Bind, CageSpec } from "../platforms/port.ts";
import { CAGE_HOME } from "../platforms/bwrap/spec.ts";
import type { Agent } from "../agents/agent.ts";
import type { Paths } from "../lib/paths.ts";
import type { MountOwners } from "../store/approvals.ts";
import { memoryBytes } from "../wire/config.ts";
import { PROJECTS } from "../wire/config-repos.ts";
import { mountSource } from "./mounts.ts";
import type { W4rden } from "./w4rden.ts";

/** The inputs that every cage of a hive shares. */
export interface CageSpecDeps {
  hiveId: string;
  paths: Paths;
  runtime: { revision: string; dir: string };
  warmMs: number;
  /** The id maps that the agent's generation was approved with. */
  mountOwners(agent: Agent): MountOwners;
  /** Set if root's helper binds the mounts. */
  w4rden?: W4rden | undefined;
}

/**
 * The whole specification of an agent's cage. Creates the folders that must exist before the driver checks them. Only a
 * generation that has to confirm gets a `nonce`.
 */
export function cageSpec(agent: Agent, deps: CageSpecDeps, nonce?: string): CageSpec {
  const own = deps.paths.agent(agent.id);
  mkdirSync(own.root, { recursive: true, mode: 0o750 });
  const owners = deps.mountOwners(agent);
  const program = agent.role === "manager" ? "hive-m1nd" : "hive-ag3nt";
  return {
    hiveId: deps.hiveId,
    agentId: agent.id,
    name: agent.name,
    role: agent.role,
    generation: agent.generation,
    revision: deps.runtime.revision,
    runtimeDir: deps.runtime.dir,
    socketsDir: deps.paths.sockets(agent),
    claudeDir: own.claude,
    stateDir: own.state,
    workspacesDir: own.work,
    configDir: own.generation(agent.generation),
    extraBinds: [
      ...(agent.role === "manager" ? managerBinds(deps.paths) : []),
      ...repositoryBinds(agent, deps.paths),
      ...projectBinds(agent, deps.paths),
      ...agent.config.mounts.map((mount) => ({
        ...mount,
        host: mountSource(mount, deps.paths, deps.w4rden),
        isOutside: true,
        owner: mount.mode === "rw" ? owners[mount.cage] : undefined,
      })),
    ],
    cageDir: own.cage,
    logFile: own.log,
    env: {
      PATH: CAGE_PATH,
      HOME: CAGE_HOME,
      LANG: "C.UTF-8",
      TMPDIR: "/tmp",
      HIVE_CLAUDE: `/opt/hive/bin/${agent.config.cli}`,
      HIVE_REVISION: deps.runtime.revision,
      HIVE_GENERATION: String(agent.generation),
      ...(nonce === undefined ? {} : { HIVE_NONCE: nonce }),
      HIVE_WARM_SECONDS: String(deps.warmMs / 1000),
    },
    argv: [`/opt/hive/bin/${program}`, "serve"],
    limits: {
      memoryBytes: memoryBytes(agent.config),
      cpuPercent: agent.config.limits.cpu_percent,
      pids: agent.config.limits.pids,
    },
    identity: agent.record.identity,
  };
}

/**
 * The objects of the agent's repositories, read-only: its clones borrow them. The mount points are in the folder of the
 * sockets, which the cage sees read-only. A repository that no longer exists is left out.
 */
function repositoryBinds(agent: Agent, paths: Paths): Bind[] {
  const points = join(paths.sockets(agent), "objects");
  return agent.config.repos.flatMap(({ name }) => {
    const host = join(paths.repo(name), "objects");
    if (!existsSync(host)) return [];
    mkdirSync(join(points, name), { recursive: true, mode: 0o755 });
    return [{ host, cage: `/run/hive/objects/${name}`, mode: "ro" as const }];
  });
}

/**
 * The instructions of the repositories that the agent follows, as they were approved with its generation. The mount
 * point is in the folder of the sockets.
 */
function projectBinds(agent: Agent, paths: Paths): Bind[] {
  const host = paths.agent(agent.id).project(agent.generation);
  if (!existsSync(host)) return [];
  mkdirSync(join(paths.sockets(agent), basename(PROJECTS)), { recursive: true, mode: 0o755 });
  return [{ host, cage: PROJECTS, mode: "ro" }];
}

function managerBinds(paths: Paths): Bind[] {
  return [
    { host: paths.proposed, cage: "/agents", mode: "rw" },
    { host: paths.applied, cage: "/applied", mode: "ro" },
    { host: paths.meta, cage: "/meta", mode: "ro" },
  ];
}
