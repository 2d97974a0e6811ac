import type { RiskMark } from "../wire/approval.ts";
import type { AgentConfig } from "../wire/config.ts";
import { BUILT_IN_TOOLS } from "../wire/built-in-tools.ts";
import { HIVE_TOOLS } from "../wire/hive-tools.ts";
import { modelAdvice, unlistedModel } from "../wire/model-advice.ts";
import { MANAGER, OPERATOR } from "../wire/names.ts";
import { closest } from "../wire/suggest.ts";
import { codePoint, piecesOf, writtenOut } from "../wire/unseen.ts";

/** The names that the hive knows. */
export interface KnownNames {
  /** Prefixes of model ids in addition to the built-in list. */
  models: readonly string[];
  agents: readonly string[];
}

/** The maximum number of characters of a name in a mark. */
const MAX_NAME_CHARS = 64;

/**
 * Marks names in a changed config that the hive does not know, often typing mistakes. They are not refused: a model or
 * a tool may be newer than the hive, and a recipient may be spawned later. A rule of `tools.deny` that denies nothing
 * is a danger, because its reader believes the opposite.
 */
export function unknownNames(before: AgentConfig, after: AgentConfig, known: KnownNames): Omit<RiskMark, "path">[] {
  const marks: Omit<RiskMark, "path">[] = [];
  const advice = modelAdvice(after.model, known.models);
  if (after.model !== before.model && !advice.isKnown)
    marks.push({
      level: "warn",
      kind: "model",
      text: unlistedModel(JSON.stringify(after.model.slice(0, MAX_NAME_CHARS)), advice),
    });

  const reachable = [MANAGER, OPERATOR, "manager", ...known.agents];
  for (const name of after.allowedRecipients ?? []) {
    if (before.allowedRecipients?.includes(name) === true || reachable.includes(name)) continue;
    const text = `allowedRecipients: there is no agent ${quotedName(name)}${hint(name, known.agents)}`;
    marks.push({ level: "warn", kind: "recipients", text });
  }

  const servers = serversOf(after);
  for (const list of ["allow", "deny"] as const)
    for (const rule of after.tools[list]) {
      const why = whyNothing(rule, servers);
      // A rule that already matched nothing was marked when it was added.
      if (why === undefined || (before.tools[list].includes(rule) && whyNothing(rule, serversOf(before)) !== undefined)) continue;
      const end = list === "deny" ? "denies nothing" : "allows nothing";
      marks.push({
        level: list === "deny" ? "danger" : "warn",
        kind: "tools",
        text: `tools.${list}: ${quotedName(rule)} ${end}: ${why}`,
      });
    }
  return marks;
}

/** Why a rule matches no tool. Undefined if it may match. A `*` in a name matches anything, as in the CLI. */
function whyNothing(rule: string, servers: readonly string[]): string | undefined {
  const [, name = rule, content] = /^([^(]*)(?:\((.*)\))?$/su.exec(rule) ?? [];
  const hidden = piecesOf(content ?? "").find(({ unseen }) => unseen !== undefined);
  if (hidden) return `it has the unseen character ${codePoint(hidden.text)}`;
  const [, server, tool = ""] = /^mcp__(.+?)(?:__(.*)|$)/su.exec(name) ?? [];
  if (server === HIVE && tool !== "" && !HIVE_TOOLS.some(matcher(tool)))
    return `the hive has no tool ${quotedName(tool)}${hint(tool, HIVE_TOOLS)}`;
  if (server !== undefined)
    return servers.some(matcher(server))
      ? undefined
      : `it names the server ${quotedName(server)}, which extraMcpServers does not have${hint(server, servers)}`;
  const mayBeServers = name.endsWith("*") && "mcp__".startsWith(name.slice(0, -1));
  return mayBeServers || BUILT_IN_TOOLS.some(matcher(name)) ? undefined : `there is no such tool${hint(name, BUILT_IN_TOOLS)}`;
}

/** Returns a case-sensitive matcher for a pattern. */
function matcher(pattern: string): (name: string) => boolean {
  const [first = "", ...others] = pattern.split("*");
  const last = others.pop();
  if (last === undefined) return (name) => name === first;
  return (name) => {
    if (!name.startsWith(first)) return false;
    let at = first.length;
    for (const part of others) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return name.length >= at + last.length && name.endsWith(last);
  };
}

/** The server of the hive's own tools, which every agent has. */
const HIVE = "hive";
const serversOf = (config: AgentConfig): string[] => [HIVE, ...Object.keys(config.extraMcpServers)];
const quotedName = (name: string): string => writtenOut(JSON.stringify(name.slice(0, MAX_NAME_CHARS)));
function hint(name: string, names: readonly string[]): string {
  const meant = closest(name.slice(0, MAX_NAME_CHARS), names);
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}
