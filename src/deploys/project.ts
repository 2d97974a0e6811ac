import { CONFIG_FILE } from "../agents/agent-json.ts";
import { writeGeneration } from "../agents/config-tree.ts";
import { RepoRefusal, type FileChange } from "../config-repos/types.ts";
import { projectPin, type ApprovalRecord, type ProjectPin } from "../store/approvals.ts";
import type { DiffFile, RiskMark, TreeFile } from "../wire/approval.ts";
import type { AgentConfig } from "../wire/config.ts";
import { PROJECTS } from "../wire/config-repos.ts";
import { HiveError } from "../wire/error.ts";
import type { DeployContext } from "./deploy-context.ts";

/** The start of the paths of a request's instructions from repositories. No path of a config begins like that. */
const PREFIX = `${PROJECTS}/`;
const isProject = (path: string): boolean => path.startsWith(PREFIX);

/**
 * Reads and stores the instructions that a new config follows. A commit in the applied repository keeps them, so later
 * merges do not change them. `pin` is undefined if it follows no repository.
 */
export async function pinProject(
  context: DeployContext,
  name: string,
  repos: AgentConfig["repos"],
): Promise<{ pin?: ProjectPin; complaints: string[] }> {
  if (!repos.some(({ project }) => project === true)) return { complaints: [] };
  try {
    const { from, files } = await context.repositories.project(repos);
    const repo = context.repos.applied(name);
    await repo.ensure();
    const read = Object.entries(from).map(([one, sha]) => `${one} ${sha}`);
    const facts = { message: ["instructions of repositories", "", ...read].join("\n"), author: "hyperhive", at: context.now() };
    return { pin: { sha: await repo.commit(files, [], facts), from }, complaints: [] };
  } catch (error) {
    if (error instanceof RepoRefusal) return { complaints: [`the project instructions cannot be taken: ${error.message}`] };
    if (error instanceof HiveError && error.code === "bad_request") return { complaints: [error.message] };
    throw error;
  }
}

/** The instructions of a request, at their places in the cage. */
export async function projectFiles(context: DeployContext, name: string, pin: ProjectPin | undefined): Promise<TreeFile[]> {
  if (!pin) return [];
  const files = await context.repos.applied(name).files(pin.sha);
  return files.map((file) => ({ ...file, path: `${PREFIX}${file.path}` }));
}

/** What changes in the instructions of repositories. What a config does not follow any more is in its own diff. */
export async function projectDiff(
  context: DeployContext,
  name: string,
  before: ProjectPin | undefined,
  after: ProjectPin | undefined,
  path?: string,
): Promise<FileChange[]> {
  if (!after || (path !== undefined && !isProject(path))) return [];
  const changes = await context.repos.applied(name).diff(before?.sha, after.sha, path?.slice(PREFIX.length));
  return changes.map((change) => ({ ...change, path: `${PREFIX}${change.path}` }));
}

/** The marks for the repositories that a config begins to follow, and for what they say now. */
export function projectMarks(
  before: ProjectPin | undefined,
  after: ProjectPin | undefined,
  diff: readonly DiffFile[],
): RiskMark[] {
  return Object.entries(after?.from ?? {}).flatMap(([repo, sha]): RiskMark[] => {
    const files = diff.filter(({ path }) => path.startsWith(`${PREFIX}${repo}/`));
    const isNew = before?.from[repo] === undefined;
    if (!isNew && files.length === 0) return [];
    const sum = (of: "added" | "removed"): number => files.reduce((total, file) => total + file[of], 0);
    const lines = files.length === 0 ? "there are none" : `+${sum("added")} −${sum("removed")} lines`;
    const words = isNew
      ? `follows the instructions of the repository ${repo} (CLAUDE.md, skills, commands)`
      : `other instructions of the repository ${repo}`;
    return [{ level: "warn", kind: "instructions", text: `${words} at ${sha.slice(0, 12)}: ${lines}`, path: CONFIG_FILE }];
  });
}

/** Writes the instructions for the cage of a generation: a plugin of the CLI for each repository. */
export async function writeProject(context: DeployContext, row: ApprovalRecord, agentId: string): Promise<void> {
  const pin = projectPin(row);
  if (pin) await writeGeneration(context.paths.agent(agentId).project(row.id), await pluginFiles(context.repos, row.name, pin));
}

/** The files of the plugins of a pin, each with its manifest. */
export async function pluginFiles(repos: DeployContext["repos"], name: string, pin: ProjectPin): Promise<TreeFile[]> {
  const files = await repos.applied(name).files(pin.sha);
  const manifests = Object.keys(pin.from).map((repo): TreeFile => {
    const text = `${JSON.stringify({ name: repo, version: pin.from[repo] })}\n`;
    return { path: `${repo}/.claude-plugin/plugin.json`, mode: "100644", base64: Buffer.from(text).toString("base64") };
  });
  return [...files, ...manifests];
}
