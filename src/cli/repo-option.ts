import { InvalidArgumentError, type Command } from "commander";
import type { RepoAccess } from "../wire/work.ts";

/** An entry of `repos` in `agent.json`. */
export interface RepoEntry {
  name: string;
  access: RepoAccess;
}

/** Adds --repo to a verb that makes an agent. */
export function takesRepos(command: Command): Command {
  return command.option("-r, --repo <repo[:read]>", "a repository that it works on, or only reads; once for each", repoEntry);
}

/** Parses `web`, `web:read` or `web:write`, and collects it. The daemon checks the name. */
function repoEntry(text: string, before: RepoEntry[] = []): RepoEntry[] {
  const [, name, access = "write"] = /^([^:]+)(?::(read|write))?$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("it is a repository's name, alone or with :read or :write.");
  return [...before, { name, access: access === "read" ? "read" : "write" }];
}
