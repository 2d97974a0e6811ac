import type { RiskMark } from "../wire/approval.ts";
import type { AgentConfig } from "../wire/config.ts";
import { modelAdvice, unlistedModel } from "../wire/model-advice.ts";
import { MANAGER, OPERATOR } from "../wire/names.ts";
import { closest } from "../wire/suggest.ts";

/** What the hive knows by name. */
export interface KnownNames {
  /** Prefixes of model ids beside those of the built-in list. */
  models: readonly string[];
  agents: readonly string[];
}

/** Characters of a name in a mark. */
const MAX_NAME_CHARS = 64;

/**
 * Names in a changed config that mean nothing to the hive: often slips of the keys. A warning, not a refusal: the model
 * may be newer than the hive, the recipient may be spawned later.
 */
export function unknownNames(before: AgentConfig, after: AgentConfig, known: KnownNames): Omit<RiskMark, "path" | "level">[] {
  const marks: Omit<RiskMark, "path" | "level">[] = [];
  const advice = modelAdvice(after.model, known.models);
  if (after.model !== before.model && !advice.isKnown)
    marks.push({ kind: "model", text: unlistedModel(JSON.stringify(after.model.slice(0, MAX_NAME_CHARS)), advice) });

  const reachable = [MANAGER, OPERATOR, "manager", ...known.agents];
  for (const name of after.allowedRecipients ?? []) {
    if (before.allowedRecipients?.includes(name) === true || reachable.includes(name)) continue;
    marks.push({ kind: "recipients", text: `allowedRecipients: there is no agent ${said(name)}${hint(name, known.agents)}` });
  }

  const servers = ["hive", ...Object.keys(after.extraMcpServers)];
  for (const list of ["allow", "deny"] as const) {
    for (const rule of after.tools[list]) {
      const server = /^mcp__(.+?)(?:__|$)/.exec(rule)?.[1];
      if (server === undefined || servers.includes(server)) continue;
      const text = `tools.${list}: ${said(rule)} names the server ${said(server)}, which extraMcpServers does not have`;
      marks.push({ kind: "tools", text: `${text}${hint(server, servers)}` });
    }
  }
  return marks;
}

const said = (name: string): string => JSON.stringify(name.slice(0, MAX_NAME_CHARS));
function hint(name: string, names: readonly string[]): string {
  const meant = closest(name.slice(0, MAX_NAME_CHARS), names);
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}
