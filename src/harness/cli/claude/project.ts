import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Options } from "@anthropic-ai/claude-agent-sdk";
import type { AgentConfig } from "../../../wire/config.ts";

/** The tool with which the model uses a skill or a command. */
export const SKILL_TOOL = "Skill";

/** What the CLI gets of the repositories that the agent follows. */
export interface Project {
  /** Added to the system prompt. */
  prompt: string;
  plugins: NonNullable<Options["plugins"]>;
  /** The only skills and commands that the model is told of. Undefined: the agent follows no repository. */
  skills: string[] | undefined;
}

export const isFollowing = (config: AgentConfig): boolean => config.repos.some(({ project }) => project === true);

/**
 * Reads the instructions of the repositories that the agent follows. They are in a folder that the agent cannot write;
 * the CLI reads nothing in the agent's clones.
 */
export function readProject(config: AgentConfig, root: string): Project {
  if (!isFollowing(config)) return { prompt: "", plugins: [], skills: undefined };
  // A repository that was empty at the approval has no folder.
  const followed = config.repos.filter(({ name, project }) => project === true && names(join(root, name)).length > 0);
  const prompts = followed.flatMap(({ name }) =>
    ["CLAUDE.md", ".claude/CLAUDE.md"].flatMap((file) => {
      const text = textOf(join(root, name, file)).trim();
      return text === "" ? [] : [`Instructions of the repository ${name}, from its ${file}:\n\n${text}`];
    }),
  );
  const skills = followed.flatMap(({ name }) => [
    ...names(join(root, name, "skills")).map((skill) => `${name}:${skill}`),
    ...names(join(root, name, "commands"), true)
      .filter((file) => file.endsWith(".md"))
      .map((file) => `${name}:${file.slice(0, -".md".length).replaceAll("/", ":")}`),
  ]);
  return {
    prompt: prompts.join("\n\n"),
    plugins: followed.map(({ name }) => ({ type: "local", path: join(root, name) })),
    skills,
  };
}

function names(folder: string, recursive = false): string[] {
  try {
    return readdirSync(folder, { recursive, encoding: "utf8" }).sort();
  } catch {
    // There is none.
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // There is none.
    return "";
  }
}
