import type { MountOwners, ProjectPin } from "../store/approvals.ts";
import type { RiskMark, TreeFile } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import type { Agent } from "../agents/agent.ts";
import { CONFIG_FILE } from "../agents/agent-json.ts";
import { byPath, configOf } from "./tree.ts";
import type { DeployContext, MountTrial } from "./deploy-context.ts";
import { pinProject } from "./project.ts";

/** The complaints about a request, the id maps that its mounts need, and the instructions of repositories it follows. */
export interface RequestTrial {
  complaints: string[];
  owners: MountOwners;
  project?: ProjectPin | undefined;
}

/**
 * Checks the files of a new request and, if they are valid, its repositories, its secrets, its credential, and its mounts on this host. A
 * secret that is missing later stops no deploy: the agent runs without it, and its row says so.
 */
export async function tryRequest(
  context: DeployContext,
  { name, agent }: { name: string; agent: Agent | undefined },
  files: readonly TreeFile[],
): Promise<RequestTrial> {
  const complaints = context.review.validate(files, "request");
  if (complaints.length > 0) return { complaints, owners: {} };
  const { config } = configOf(byPath(files));
  const trials = await context.mounts.tryAll(agent, config.mounts);
  const owners = ownersOf(trials);
  const parts = [
    ...context.repositories.complaints(name, config.repos),
    ...context.secrets.complaints(config),
    ...context.credentials.complaints(config),
    ...(context.platform.complaints?.(config) ?? []),
  ];
  const outside = [...parts, ...problemsOf(trials)];
  if (outside.length > 0) return { complaints: outside, owners };
  const project = await pinProject(context, name, config.repos);
  return { complaints: project.complaints, owners, project: project.pin };
}

/** The problems of an approved request's repositories, and of its mounts on this host. Empty if it can run. */
export async function outsideComplaints(
  context: DeployContext,
  agent: Agent,
  files: readonly TreeFile[],
  approved: MountOwners,
): Promise<string[]> {
  const { config } = configOf(byPath(files));
  const trials = await context.mounts.tryAll(agent, config.mounts, approved);
  const parts = [...context.repositories.complaints(agent.name, config.repos), ...(context.platform.complaints?.(config) ?? [])];
  return [...parts, ...problemsOf(trials)];
}

const problemsOf = (trials: readonly MountTrial[]): string[] => trials.flatMap(({ problem }) => problem ?? []);

function ownersOf(trials: readonly MountTrial[]): MountOwners {
  return Object.fromEntries(trials.flatMap(({ mount, owner }) => (owner === undefined ? [] : [[mount.cage, owner]])));
}

/** The files of a commit, and the id maps that its mounts need. */
export interface Mounted {
  files: readonly TreeFile[];
  owners: MountOwners;
}

/** The mounts that a change adds. One that now needs an id map, and did not before, counts as added. */
function added(before: Mounted, after: Mounted) {
  const mapped = ({ files, owners }: Mounted) =>
    configOf(byPath(files)).config.mounts.map((mount) => ({ mount, owner: owners[mount.cage] ?? null }));
  const known = new Set(mapped(before).map((one) => JSON.stringify(one)));
  return mapped(after).filter((one) => !known.has(JSON.stringify(one)));
}

/** Throws `forbidden` if a change adds a mount and who approves it may not give agents folders of the host. */
export function checkMayMount(may: boolean, agent: string, before: Mounted, after: Mounted): void {
  const [first] = may ? [] : added(before, after);
  if (first)
    throw new HiveError(
      "forbidden",
      `${agent} would get the folder ${first.mount.host} of the host: that takes the role admin. Ask an admin to approve it`,
    );
}

/** The marks for the mounts that a change adds, as found by their trial. Only mounts that work get this far. */
export function mountMarks(context: Pick<DeployContext, "mounts">, before: Mounted, after: Mounted): Promise<RiskMark[]> {
  return Promise.all(
    added(before, after).map(async ({ mount: { host, mode }, owner }): Promise<RiskMark> => {
      if (owner === null) {
        const text = `mount ${host}: ${mode === "rw" ? "writable" : "readable"} as the agent, tried on this host`;
        return { level: "info", kind: "mount", text, path: CONFIG_FILE };
      }
      const name = await context.mounts.userName(owner.uid);
      const whom = `${name === undefined ? "" : `${name}, `}uid ${owner.uid}, gid ${owner.gid}`;
      const text = `mount ${host}: writable as the agent through an id map: files it makes belong to ${whom}`;
      return { level: "warn", kind: "mount", text, path: CONFIG_FILE };
    }),
  );
}
