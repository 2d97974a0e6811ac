/** A folder of the source: what it contains, and the folders or files that it may import besides itself. */
interface Folder {
  content: string;
  imports: readonly string[];
}

/**
 * Every folder of the source, in the order of the data: a folder imports only what is above it. To add a folder, add a
 * line. `test/rules.test.ts` enforces the imports, and the table in ARCHITECTURE.md is drawn from this one.
 */
export const FOLDERS: Record<string, Folder> = {
  "src/lib": { content: "small helpers without a dependency, for every folder; the paths of a hive's files", imports: [] },
  "src/starter": { content: "what Node starts of each program: it runs the program with its compiled code", imports: [] },
  "src/wire": { content: "the contract between processes: `operations.ts` lists every operation. Imports only zod", imports: [] },
  "src/rpc": { content: "the contract over Unix sockets: JSON lines, server and typed client", imports: ["src/wire"] },
  "src/os": {
    content: "typed wrappers over programs: processes and their groups, limits, the program in a sandbox",
    imports: [],
  },
  "src/store": {
    content: "all SQL: schema, migrations, queries by noun, the group-committing writer",
    imports: ["src/wire"],
  },
  "src/policy": {
    content:
      "what agents may spend: the operator's days, the meter of budgets, limits and decisions; imports no part that asks it",
    imports: ["src/wire", "src/store"],
  },
  "src/eventlog": {
    content: "the event feed: publishes after the commit; replays stored events, then continues live",
    imports: ["src/wire"],
  },
  "src/config-repos": {
    content: "git of the agents' configs: applied, proposed and meta repositories, the safe fetch, diffs, the rules for a tree",
    imports: ["src/wire", "src/os"],
  },
  "src/platforms": {
    content:
      "how agents run and what locks them: `platform.ts` is the port, with the driver's contract and conformance suites; `bwrap/` runs cages by bubblewrap; `nixos/` builds a system for each agent and runs it as a container of a NixOS host",
    imports: ["src/wire", "src/os", "src/config-repos"],
  },
  "src/gateway": {
    content:
      "model proxy, egress proxy; `model/dialect.ts` is the format of a model API, `anthropic/` the only one: schema, meter, signals, rehearsal",
    imports: ["src/wire", "src/rpc"],
  },
  "src/messages": {
    content: "broker, leases, notices, questions to the operator, search",
    imports: ["src/wire", "src/store", "src/eventlog"],
  },
  "src/diffs": {
    content: "what is shown of a diff and marked in it, for requests and changes alike",
    imports: ["src/wire"],
  },
  "src/agents": {
    content: "agents: record, cage, harness session, turns, sleep",
    imports: ["src/wire", "src/store", "src/eventlog", "src/messages", "src/policy", "src/platforms/port.ts", "src/rpc/json.ts"],
  },
  "src/deploys": {
    content: "requests, what the operator is shown, risk marks, the steps of a deploy, recovery",
    imports: [
      "src/wire",
      "src/store",
      "src/eventlog",
      "src/messages",
      "src/agents",
      "src/diffs",
      "src/config-repos/flake-lock.ts",
      "src/config-repos/types.ts",
      "src/platforms/platform.ts",
    ],
  },
  "src/work": {
    content: "repositories, workspaces, changes, the merge queue",
    imports: [
      "src/wire",
      "src/store",
      "src/eventlog",
      "src/messages",
      "src/agents",
      "src/diffs",
      "src/os",
      "src/config-repos/objects.ts",
      "src/config-repos/store.ts",
      "src/platforms/port.ts",
      "src/platforms/uids.ts",
      "src/rpc/http-listener.ts",
    ],
  },
  "src/files": {
    content: "agents' files as operators see and send them; `reader/` is the program that touches them, in a sandbox",
    imports: ["src/wire", "src/agents", "src/os"],
  },
  "src/backup": {
    content: "takes and restores a backup: the daemon makes backups, the terminal restores them without a daemon",
    imports: ["src/wire", "src/os", "src/store"],
  },
  "src/daemon": {
    content: "composition: config, sockets, HTTP, one handler per operation",
    imports: [
      "src/backup",
      "src/wire",
      "src/rpc",
      "src/store",
      "src/eventlog",
      "src/os",
      "src/platforms",
      "src/gateway",
      "src/policy",
      "src/messages",
      "src/agents",
      "src/diffs",
      "src/deploys",
      "src/work",
      "src/files",
      "src/config-repos",
      "dev/scenarios",
      "package.json",
    ],
  },
  "src/w4rden": {
    content: "`hive-w4rden`, what needs root: starts the daemon as a user of its own",
    imports: ["src/wire", "src/rpc/frames.ts", "src/os", "src/platforms/uids.ts", "src/platforms/owners.ts"],
  },
  "src/harness": {
    content:
      "the program in a cage: turn loop, MCP tools, bridges, spool; `cli/port.ts` is the agent CLI, `cli/claude/` runs Claude Code through its SDK",
    imports: ["src/wire", "src/rpc", "src/os"],
  },
  "src/cli": { content: "`hivectl`", imports: ["src/wire", "src/rpc", "src/backup", "src/os/run.ts", "package.json"] },
  ui: { content: "dashboard and agent pages", imports: ["src/wire"] },
  test: { content: "repository rules, tests of the whole hive and of the pages, campaigns", imports: ["src", "dist", "ui"] },
};

/** The table of ARCHITECTURE.md. */
export function foldersTable(): string {
  const short = (path: string): string => path.replace(/^src\//, "");
  const rows = Object.entries(FOLDERS).map(
    ([folder, { content, imports }]) => `| \`${folder}\` | ${content} | ${imports.map(short).join(", ") || "–"} |`,
  );
  return ["| folder | content | may import, besides lib |", "| --- | --- | --- |", ...rows].join("\n");
}
