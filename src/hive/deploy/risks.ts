import type { RiskMark, TreeFile } from "../../wire/approval.ts";
import { AgentConfig } from "../../wire/config.ts";
import { codePoint, piecesOf, unseenKind, type Unseen } from "../../wire/unseen.ts";
import { CONFIG_FILE } from "../agents/agent-json.ts";
import { byPath, bytesOf, configOf, textOf } from "./tree.ts";

/** Marks of one proposal: beyond this the last says how many more there are. Nobody reads further. */
const MAX_MARKS = 200;
/** Characters of a foreign text in a mark. */
const MAX_QUOTED = 160;

/** What decides beside the two trees. */
export interface RiskContext {
  /** False on the bwrap driver: what Nix files say is not evaluated there. */
  evaluatesNix: boolean;
  /** The Nix files of the template, by path: what everybody has needs no mark. */
  template: Readonly<Record<string, string>>;
}

/**
 * What an operator should not miss in a change from one config tree (none for a new agent) to another: what the agent
 * gains, and what a diff does not show to the eye. Pure; worst first. What it loses is in the diff and needs no mark.
 */
export function riskMarks(base: readonly TreeFile[] | undefined, next: readonly TreeFile[], context: RiskContext): RiskMark[] {
  const [before, after] = [byPath(base ?? []), byPath(next)];
  const was: ReturnType<typeof configOf> = base === undefined ? { config: AgentConfig.parse({}) } : configOf(before);
  const marks = [
    ...readableMarks(was.unreadable),
    ...configMarks(was.config, configOf(after).config),
    ...[...after.values()].flatMap((file) => fileMarks(before.get(file.path), file)),
    ...nixMarks(before, after, context),
  ];
  const order = { danger: 0, warn: 1, info: 2 };
  marks.sort((a, b) => order[a.level] - order[b.level]);
  if (marks.length <= MAX_MARKS) return marks;
  const rest = marks.length - MAX_MARKS + 1;
  const last: RiskMark = { level: "warn", kind: "invisible", text: `${rest} further marks are not shown: read the whole diff` };
  return [...marks.slice(0, MAX_MARKS - 1), last];
}

/** Where what runs cannot be read, all that the change grants is marked, and what it lifts cannot be told. */
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
  for (const name of changedKeys(before.env, after.env)) {
    const value = after.env[name];
    if (value !== undefined) mark("warn", "env", `environment: ${name}=${quoted(value)}`);
  }
  for (const name of ["memory_mib", "cpu_percent", "pids", "disk_mib"] as const) {
    const [from, to] = [before.limits[name], after.limits[name]];
    if (to > from) mark("warn", "limits", `limit raised: ${name} ${from} → ${to}`);
  }
  if (before.model !== after.model) mark("info", "model", `model: ${quoted(before.model)} → ${quoted(after.model)}`);
  return marks;
}

/** What a file is and holds, as far as it is new. */
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
  if (text === undefined) {
    // A text that turns into something that is not shown may be a text that should not be read.
    const wasText = before !== undefined && before.mode !== "120000" && textOf(before) !== undefined;
    const hidden = wasText || file.mode === "100755";
    const mark = wasText
      ? "was text and is binary now: its content is not shown"
      : `${what} binary file: its content is not shown`;
    marks.push({ level: hidden ? "danger" : "warn", kind: "binary", text: mark, path });
  } else if (before?.base64 !== file.base64) {
    const old = before === undefined || before.mode === "120000" ? "" : (textOf(before) ?? "");
    marks = marks.concat(unseenMarks(unseenIn(old), unseenIn(text), path));
  }
  return marks;
}

/** Hidden characters of a text by kind, and the code points of each with their number. */
function unseenIn(text: string): Map<Unseen, Map<string, number>> {
  const found = new Map<Unseen, Map<string, number>>();
  for (const { text: character, unseen: kind } of piecesOf(text)) {
    if (kind === undefined) continue;
    const points = found.get(kind) ?? new Map<string, number>();
    points.set(codePoint(character), (points.get(codePoint(character)) ?? 0) + 1);
    found.set(kind, points);
  }
  return found;
}

function unseenMarks(before: ReturnType<typeof unseenIn>, after: ReturnType<typeof unseenIn>, path: string): RiskMark[] {
  const marks: RiskMark[] = [];
  for (const [kind, points] of after) {
    const fresh = [...points].filter(([point, count]) => count > (before.get(kind)?.get(point) ?? 0));
    if (fresh.length === 0) continue;
    const list = names(fresh.map(([point, count]) => (count === 1 ? point : `${point} × ${count}`)));
    const words = {
      bidi: `characters that turn the direction of text: ${list}`,
      invisible: `invisible characters: ${list}`,
      control: `control characters: ${list}`,
    }[kind];
    const level = kind === "bidi" ? "danger" : "warn";
    marks.push({ level, kind: kind === "bidi" ? "bidi" : "invisible", text: words, path });
  }
  return marks;
}

/** Nix code beyond the template. */
function nixMarks(before: ReadonlyMap<string, TreeFile>, after: ReadonlyMap<string, TreeFile>, context: RiskContext): RiskMark[] {
  const marks: RiskMark[] = [];
  for (const file of after.values()) {
    if (!file.path.endsWith(".nix") || before.get(file.path)?.base64 === file.base64) continue;
    if (Object.hasOwn(context.template, file.path) && textOf(file) === context.template[file.path]) continue;
    marks.push(
      context.evaluatesNix
        ? { level: "warn", kind: "nix", text: "Nix code that builds the container changes", path: file.path }
        : { level: "info", kind: "nix", text: "holds more than the template; this driver does not evaluate it", path: file.path },
    );
  }
  return marks;
}

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

/** A foreign text on one line, with what cannot be seen written out. */
function quoted(text: string): string {
  const written = Array.from(text.slice(0, MAX_QUOTED), (one) =>
    unseenKind(one) || (/\s/.test(one) && one !== " ") ? `<${codePoint(one)}>` : one,
  );
  return written.join("") + (text.length > MAX_QUOTED ? "…" : "");
}

/** A list that stays on one line. */
function names(list: readonly string[]): string {
  const shown = list.slice(0, 8).map(quoted).join(", ");
  return list.length > 8 ? `${shown} and ${list.length - 8} more` : shown;
}
