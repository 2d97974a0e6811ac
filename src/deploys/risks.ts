import { BUDGET_KINDS, budgetLimit } from "../wire/budget-kinds.ts";
import type { DiffFile, RiskMark, TreeFile } from "../wire/approval.ts";
import { AgentConfig } from "../wire/config.ts";
import { PROJECTS } from "../wire/config-repos.ts";
import { looksLikeCredential, whatItSteers } from "../wire/config-env.ts";
import { apiRule, isGraphql, isReading } from "../wire/api-rules.ts";
import { isBothWays } from "../wire/egress-presets.ts";
import { written, writtenOut } from "../wire/unseen.ts";
import { CONFIG_FILE } from "../agents/agent-json.ts";
import { paddingMarks } from "../diffs/padding.ts";
import { unseenMarks } from "../diffs/unseen-marks.ts";
import { unshownMarks } from "../diffs/unshown-marks.ts";
import { byPath, bytesOf, configOf, INSTRUCTIONS_FILE, textOf } from "./tree.ts";
import { unknownNames, type KnownNames } from "./unknown-names.ts";

/**
 * The maximum number of marks of a proposal. The last one says how many more there are, because no one reads further.
 */
const MAX_MARKS = 200;
/** The maximum number of characters quoted in a mark. */
const MAX_QUOTED = 160;

/** What the marks depend on besides the two trees. */
export interface RiskContext {
  /** False on the bwrap driver, which does not evaluate Nix files. */
  evaluatesNix: boolean;
  /** The Nix files of the template, by path. They need no mark. */
  template: Readonly<Record<string, string>>;
  known: KnownNames;
  /** The paths of the files that are copied into workspaces of a repository. */
  included(repo: string): readonly string[];
}

/**
 * What an operator should not miss in a change from one config tree to another (from none for a new agent): what the
 * agent gains, and what its diff, as it is shown, hides. Pure. The worst marks come first. What the agent loses is in
 * the diff and needs no mark.
 */
export function riskMarks(
  base: readonly TreeFile[] | undefined,
  next: readonly TreeFile[],
  diff: readonly DiffFile[],
  context: RiskContext,
): RiskMark[] {
  const [before, after] = [byPath(base ?? []), byPath(next)];
  const was: ReturnType<typeof configOf> = base === undefined ? { config: AgentConfig.parse({}) } : configOf(before);
  const marks = [
    ...readableMarks(was.unreadable),
    ...configMarks(was.config, configOf(after).config),
    ...includeMarks(was.config, configOf(after).config, context.included),
    ...unshownMarks(diff),
    ...paddingMarks(diff),
    ...instructionMarks(before.get(INSTRUCTIONS_FILE), after.get(INSTRUCTIONS_FILE), diff),
    ...unknownNames(was.config, configOf(after).config, context.known).map((mark): RiskMark => ({ ...mark, path: CONFIG_FILE })),
    ...[...after.values()].flatMap((file) => fileMarks(before.get(file.path), file)),
    ...nixMarks(before, after, context),
  ];
  const order = { danger: 0, warn: 1, info: 2 };
  marks.sort((a, b) => order[a.level] - order[b.level]);
  if (marks.length <= MAX_MARKS) return marks;
  const rest = marks.slice(MAX_MARKS - 1);
  const text = `${rest.length} further marks are not shown: read the whole diff`;
  return [...marks.slice(0, MAX_MARKS - 1), { level: rest[0]?.level ?? "warn", kind: "invisible", text }];
}

/** Marks the operator's files that an agent gets with a repository: they may be keys. */
function includeMarks(before: AgentConfig, after: AgentConfig, included: RiskContext["included"]): RiskMark[] {
  return after.repos.flatMap(({ name }): RiskMark[] => {
    const files = before.repos.some((repo) => repo.name === name) ? [] : included(name);
    if (files.length === 0) return [];
    const count = files.length === 1 ? "1 included file" : `${files.length} included files`;
    return [{ level: "warn", kind: "repo", text: `gets ${count} of ${name}: ${names(files)}`, path: CONFIG_FILE }];
  });
}

/** Marks a change of the instructions, however small. */
function instructionMarks(before: TreeFile | undefined, after: TreeFile | undefined, diff: readonly DiffFile[]): RiskMark[] {
  if ((before?.base64 ?? "") === (after?.base64 ?? "")) return [];
  const { added = 0, removed = 0 } = diff.find((file) => file.path === INSTRUCTIONS_FILE) ?? {};
  const what = before === undefined ? "new instructions" : after === undefined ? "no more instructions" : "other instructions";
  return [{ level: "warn", kind: "instructions", text: `${what}: +${added} −${removed} lines`, path: INSTRUCTIONS_FILE }];
}

/**
 * Marks that the running config cannot be read. All that the change grants is then marked, but what it lifts is
 * unknown.
 */
function readableMarks(unreadable: string | undefined): RiskMark[] {
  if (unreadable === undefined) return [];
  const text = `what runs cannot be compared, so denied tools and limits that it had are not known: ${quoted(unreadable)}`;
  return [{ level: "danger", kind: "tools", text, path: CONFIG_FILE }];
}

function configMarks(before: AgentConfig, after: AgentConfig): RiskMark[] {
  const marks: RiskMark[] = [];
  const mark = (level: RiskMark["level"], kind: RiskMark["kind"], text: string): void => {
    marks.push({ level, kind, text, path: CONFIG_FILE });
  };

  for (const host of gained(before.egress, after.egress)) {
    if (host.startsWith("*.")) mark("danger", "egress", `new egress to every host under ${host.slice(2)}`);
    else if (isBothWays(host))
      mark("danger", "egress", `new egress host: ${host}: a channel both ways, TLS hides what is read from what is written`);
    else mark("warn", "egress", `new egress host: ${host}`);
  }
  const servers = new Map(Object.entries(before.extraMcpServers));
  for (const [name, server] of Object.entries(after.extraMcpServers)) {
    const old = servers.get(name);
    const command = quoted([server.command, ...server.args].join(" "));
    if (old === undefined) mark("warn", "mcp_server", `new MCP server ${name}: ${command}`);
    else if (!same([old.command, old.args], [server.command, server.args]))
      mark("warn", "mcp_server", `MCP server ${name} now runs ${command}`);
    if (old !== undefined && !same(sorted(old.env), sorted(server.env)))
      mark("warn", "mcp_server", `MCP server ${name} gets another environment: ${names(changedKeys(old.env, server.env))}`);
    for (const key of changedKeys(old?.env ?? {}, server.env)) {
      const [value, does] = [server.env[key], whatItSteers(key)];
      if (value !== undefined && looksLikeCredential(key, value))
        mark("danger", "env", `MCP server ${name}: ${credentialWords(key)}`);
      if (value !== undefined && does !== undefined)
        mark("danger", "env", `MCP server ${name} gets ${key}=${quoted(value)}: it ${does}`);
    }
    if (server.resident && old?.resident !== true)
      mark("info", "mcp_server", `MCP server ${name} is resident: it runs all the time, and the agent never sleeps`);
  }
  for (const tool of gained(before.tools.allow, after.tools.allow)) mark("warn", "tools", `new tool allowed: ${quoted(tool)}`);
  for (const tool of gained(after.tools.deny, before.tools.deny))
    mark("danger", "tools", `tool no longer denied: ${quoted(tool)}`);

  if (before.allowedRecipients !== undefined) {
    if (after.allowedRecipients === undefined) mark("warn", "recipients", "may now send to every agent");
    else
      for (const one of gained(before.allowedRecipients, after.allowedRecipients))
        mark("warn", "recipients", `may now send to ${quoted(one)}`);
  }
  const mounts = before.mounts.map(mountText);
  for (const mount of after.mounts) {
    if (mounts.includes(mountText(mount))) continue;
    mark(mount.mode === "rw" ? "danger" : "warn", "mount", `new mount: ${quoted(mountText(mount))}`);
  }
  for (const { name, access } of after.repos) {
    const had = before.repos.find((repo) => repo.name === name)?.access;
    if (access === "write" && had !== "write")
      mark("warn", "repo", `may now write to the repository ${name}: push branches and propose changes`);
    else if (had === undefined) mark("info", "repo", `may now read the repository ${name}`);
  }
  if (after.credential !== before.credential) {
    const words = after.credential === undefined ? "the hive's own credential" : `the credential ${after.credential}`;
    mark("warn", "credential", `asks the model with ${words}: what it spends is counted there`);
  }
  for (const name of gained(before.secrets, after.secrets))
    mark("danger", "secret", `gets the secret ${name} as a variable: the agent can read and send this`);
  for (const one of apiMarks(before.apis, after.apis)) marks.push(one);
  for (const name of changedKeys(before.env, after.env)) {
    const value = after.env[name];
    if (value === undefined) continue;
    const does = whatItSteers(name);
    const text = `environment: ${name}=${quoted(value)}`;
    if (looksLikeCredential(name, value)) mark("danger", "env", credentialWords(name));
    if (does === undefined) mark("warn", "env", text);
    else mark("danger", "env", `${text}: it ${does}`);
  }
  for (const name of ["memory_mib", "cpu_percent", "pids", "disk_mib"] as const) {
    const [from, to] = [before.limits[name], after.limits[name]];
    if (to > from) mark("warn", "limits", `limit raised: ${name} ${from} → ${to}`);
  }
  for (const kind of BUDGET_KINDS) {
    const [from, to] = [before.budget?.[kind], after.budget?.[kind]];
    if (from !== undefined && to === undefined) mark("warn", "limits", `budget removed: ${budgetLimit(kind, from)}`);
    else if (from !== undefined && to !== undefined && to > from)
      mark("warn", "limits", `budget raised: ${budgetLimit(kind, from)} → ${budgetLimit(kind, to)}`);
    else if (from === undefined && to !== undefined)
      mark("info", "limits", `budget set: ${budgetLimit(kind, to)}; it comes before the hive's default`);
  }
  if (before.model !== after.model) mark("info", "model", `model: ${quoted(before.model)} → ${quoted(after.model)}`);
  return marks;
}

/** Marks API doors, with the whole of what is new in them. A door to another place, or with another secret, is new. */
function apiMarks(before: AgentConfig["apis"], after: AgentConfig["apis"]): RiskMark[] {
  return Object.entries(after).flatMap(([name, api]): RiskMark[] => {
    const old = Object.hasOwn(before, name) ? before[name] : undefined;
    const isSame = old !== undefined && same([old.url, old.secret, old.header], [api.url, api.secret, api.header]);
    const text = `API door ${name}: calls to ${quoted(api.url)} with the secret ${quoted(api.secret)} (${quoted(api.header)})`;
    return [
      ...(isSame ? [] : [{ level: "warn" as const, kind: "secret" as const, text, path: CONFIG_FILE }]),
      ...gained(isSame ? old.allow : [], api.allow).map((rule) => ruleMark(name, rule)),
    ];
  });
}

function ruleMark(door: string, text: string): RiskMark {
  const rule = apiRule(text);
  const words = `API door ${door}: ${quoted(text)}`;
  const mark = { kind: "secret" as const, path: CONFIG_FILE };
  if (rule && isGraphql(rule)) return { ...mark, level: "danger", text: `${words}: GraphQL, so everything the token may do` };
  if (rule && isReading(rule)) return { ...mark, level: "warn", text: words };
  return { ...mark, level: "danger", text: `${words}: it changes things there` };
}

/** Marks what is new in a file: its kind, its mode and its hidden characters. */
function fileMarks(before: TreeFile | undefined, file: TreeFile): RiskMark[] {
  if (before?.base64 === file.base64 && before.mode === file.mode) return [];
  let marks: RiskMark[] = [];
  const { path } = file;
  const what = before === undefined ? "new" : "changed";
  if (file.mode === "120000") {
    const target = quoted(bytesOf(file).toString("utf8"));
    return [{ level: "warn", kind: "symlink", text: `${what} symbolic link to ${target}`, path }];
  }
  if (file.mode === "100755" && before?.mode !== "100755")
    marks.push({ level: "warn", kind: "mode", text: before === undefined ? "new executable file" : "becomes executable", path });
  const text = textOf(file);
  if (text !== undefined && before?.base64 !== file.base64) {
    const old = before === undefined || before.mode === "120000" ? "" : (textOf(before) ?? "");
    const read = path === CONFIG_FILE ? decoded : (raw: string): string => raw;
    marks = marks.concat(unseenMarks(read(old), read(text), path));
  }
  return marks;
}

/** The strings of a JSON text as programs read them, with escapes such as `\u202e` replaced by their characters. */
function decoded(json: string): string {
  const words: string[] = [];
  try {
    JSON.parse(json, (key: string, value: unknown) => {
      words.push(key);
      if (typeof value === "string") words.push(value);
      return value;
    });
  } catch {
    // Not JSON: read its characters as they are.
    return json;
  }
  return words.join("\n");
}

/** Marks Nix code beyond the template. */
function nixMarks(before: ReadonlyMap<string, TreeFile>, after: ReadonlyMap<string, TreeFile>, context: RiskContext): RiskMark[] {
  const marks: RiskMark[] = [];
  for (const file of after.values()) {
    if (!file.path.endsWith(".nix") || file.path.startsWith(PROJECTS) || before.get(file.path)?.base64 === file.base64) continue;
    if (Object.hasOwn(context.template, file.path) && textOf(file) === context.template[file.path]) continue;
    marks.push(
      context.evaluatesNix
        ? { level: "warn", kind: "nix", text: "Nix code that builds the container changes", path: file.path }
        : {
            level: "info",
            kind: "nix",
            text: "contains more than the template; this driver does not evaluate it",
            path: file.path,
          },
    );
  }
  return marks;
}

const credentialWords = (name: string): string =>
  `${name} looks like a credential: it is in the config's git and on this card. Keep it as a secret, and name it in secrets or apis`;

function gained(before: readonly string[], after: readonly string[]): string[] {
  return [...new Set(after)].filter((one) => !before.includes(one));
}

function changedKeys(before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.filter((key) => !same(own(before, key), own(after, key)));
}

const own = (record: Record<string, unknown>, key: string): unknown => (Object.hasOwn(record, key) ? record[key] : undefined);
const sorted = (record: Record<string, string>): [string, string][] =>
  Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const mountText = (mount: AgentConfig["mounts"][number]): string => `${mount.host} → ${mount.cage} (${mount.mode})`;

/** A text of the proposal on one line, with hidden characters written out. */
function quoted(text: string): string {
  const shown = writtenOut(text.slice(0, MAX_QUOTED));
  const line = shown.replaceAll(/[^\S ]/g, written);
  return line + (text.length > MAX_QUOTED ? "…" : "");
}

/** A list that stays on one line. */
function names(list: readonly string[]): string {
  const shown = list.slice(0, 8).map(quoted).join(", ");
  return list.length > 8 ? `${shown} and ${list.length - 8} more` : shown;
}
