import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { spenderOf } from "../src/daemon/budget-parts.ts";
import { cageSpec } from "../src/daemon/cage-spec.ts";
import { readConfig, SETTINGS } from "../src/daemon/config.ts";
import { directoryOf } from "../src/daemon/directory.ts";
import { ModelCredentials } from "../src/daemon/login/model-credentials.ts";
import { Secrets } from "../src/daemon/secrets/secrets.ts";
import { doorCall } from "../src/gateway/doors/call.ts";
import { isListed } from "../src/gateway/egress/allow.ts";
import { claudeOptions } from "../src/harness/cli/claude/options.ts";
import { readHarnessConfig, SETTINGS as HARNESS_SETTINGS } from "../src/harness/config.ts";
import { mcpServers } from "../src/harness/mcp/in-process.ts";
import { Agent, stateOf } from "../src/agents/agent.ts";
import { DiskWatch } from "../src/agents/disk-watch.ts";
import { systemPrompt } from "../src/agents/prompt.ts";
import { hasResidentServer } from "../src/agents/sleep.ts";
import type { Swarm } from "../src/agents/swarm.ts";
import { mayReach } from "../src/messages/directory.ts";
import { MessageRate } from "../src/policy/message-rate.ts";
import type { Spender } from "../src/policy/spender.ts";
import { Paths } from "../src/lib/paths.ts";
import { BUDGET_KINDS } from "../src/wire/budget-kinds.ts";
import { AgentConfig } from "../src/wire/config.ts";
import { budgetTables, openBudgetsOf } from "./lib/budgets.ts";
import { openBus } from "./lib/bus.ts";
import { onUnexpected } from "./lib/unexpected.ts";
import { keysOf } from "../src/wire/loosen.ts";
import { assignedTo } from "../src/work/assigned.ts";
import { accessOf } from "../src/work/work-context.ts";

/** Every key of a config and every setting has code that acts on it. */

const folder = mkdtempSync(join(tmpdir(), "granted-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const paths = new Paths(join(folder, "state"), join(folder, "run"));
paths.prepare();
const shared = join(folder, "shared");
const other = join(folder, "other");
for (const one of [shared, other]) mkdirSync(one);

const secrets = new Secrets({
  files: { valueOf: (name: string) => `value of ${name}` } as never,
  store: { write: async () => {} } as never,
  agents: { all: () => [] },
  bus: openBus(),
  onUnexpected,
  now: () => 1,
});

const credentials = (agent: Agent): ModelCredentials =>
  new ModelCredentials({
    files: { of: () => ({}) } as never,
    own: { credential: { source: "none" } },
    store: {} as never,
    agents: { all: () => [agent], byId: () => agent },
    changed: () => {},
    now: () => 1,
  });

/** All effects of a config, as the daemon and the harness pass them on. */
async function effects(given: unknown): Promise<Record<string, unknown>> {
  const config = AgentConfig.parse(given);
  const record = { id: "a1", name: "scout", role: "agent", generation: 1, identity: { uid: 1, gid: 1 } };
  const agent = new Agent(record as never, { config, instructions: "", warnings: [] });
  const others = ["scribe", "critic"].map((name) => ({ id: name, name }) as Agent);
  const swarm = { byId: () => agent, find: () => agent, all: () => [agent, ...others] } as unknown as Swarm;
  const sender = directoryOf([], swarm).byId("a1");
  const halted: string[] = [];
  stateOf(agent).cage.phase = { at: "running", running: {} as never, since: 0, revision: undefined };
  await new DiskWatch({
    agents: { all: () => [agent] },
    cages: { halt: async (_, reason) => void halted.push(reason) },
    bus: openBus(),
    paths,
    bytesOnDisk: async () => 20 * 1024 * 1024,
    everyMs: 1,
    onUnexpected,
  }).runOnce();
  const options = claudeOptions({
    config,
    model: agent.model,
    systemPrompt: systemPrompt(agent, ""),
    credentialKind: "api-key",
    sessionId: undefined,
    claude: "claude",
    home: "/home/agent",
    workDir: "/state",
    projectsDir: join(folder, "projects"),
    path: "/usr/bin",
    modelUrl: "http://127.0.0.1:1",
    egressUrl: "http://127.0.0.1:2",
    granted: secrets.environmentOf(config),
  });
  const spec = cageSpec(agent, {
    hiveId: "h",
    paths,
    runtime: { revision: "r", dir: folder },
    warmMs: 1,
    mountOwners: () => ({}),
  });
  const residents = { serverFor: (name: string) => `resident ${name}` };
  const servers = mcpServers("agent", config, {} as never, residents as never);
  return {
    options: { ...options, canUseTool: undefined },
    answers: await Promise.all(
      ["WebFetch", "Bash"].map(async (tool) => options.canUseTool?.(tool, {}, { signal: new AbortController().signal } as never)),
    ),
    models: agent.models,
    servers: Object.entries(servers).map(([name, server]) => (name === "hive" ? name : [name, server])),
    staysAwake: hasResidentServer(agent),
    cage: { binds: spec.extraBinds, limits: spec.limits, env: spec.env },
    reach: ["scribe", "critic"].filter((name) => sender && mayReach(sender, name)),
    hosts: ["a.org", "b.org"].filter((host) => isListed(config.egress, host, 443)),
    halted,
    repos: assignedTo(agent, { find: (name) => ({ name, settings: { base: "main" } }) as never }),
    access: accessOf(agent, "web"),
    doors: ["GET /x/a", "GET /x/b"].map((words) => {
      const [method = "", target = ""] = words.split(" ");
      const {
        about: _,
        api: __,
        ...sent
      } = doorCall({ method, target, headers: {} }, config.apis, (name) => secrets.forDoor(name));
      return sent;
    }),
    budget: budgetOf(spenderOf(agent, [7])),
    credential: credentials(agent).nameFor(agent.id),
  };
}

/** What an agent may do under its budget once it has spent a little: its limits that are reached, and messages. */
function budgetOf(spender: Spender): unknown {
  const { budgets } = openBudgetsOf([spender], budgetTables(), { now: () => 0 });
  const scope = "a1";
  for (let turn = 0; turn < 4; turn++) budgets.began(scope);
  budgets.spend(scope, "default", { costUsd: 4, output: 4, input: 4 });
  budgets.stop();
  const limitOf = () => budgets.standings.limitsOf(spender).find(({ kind }) => kind === "messages_per_minute")?.value;
  const rate = new MessageRate({ limitOf, sentSince: () => 0, now: () => 0 });
  const tx = { onRollback() {} };
  rate.take(tx, scope, 4);
  return [budgets.stopOf(scope)?.kind, outcome(() => (rate.take(tx, scope, 1), {}))];
}

const server = { command: "/bin/one", args: ["a"], env: { A: "1" } };
const api = { url: "https://a.org", secret: "ONE", header: "authorization: Bearer {}", allow: ["GET /a"] };
const mount = { host: shared, cage: "/shared", mode: "ro" };
/** For each key two configs that differ in nothing else, and the part of the effects that must differ. */
const KEYS: Record<string, readonly [part: string, one: unknown, two: unknown]> = {
  model: ["models", { model: "sonnet" }, { model: "opus" }],
  description: ["options", { description: "reads" }, { description: "writes" }],
  allowedRecipients: ["reach", {}, { allowedRecipients: ["scribe"] }],
  "extraMcpServers.*.command": [
    "servers",
    { extraMcpServers: { x: server } },
    { extraMcpServers: { x: { ...server, command: "/bin/two" } } },
  ],
  "extraMcpServers.*.args": [
    "servers",
    { extraMcpServers: { x: server } },
    { extraMcpServers: { x: { ...server, args: ["b"] } } },
  ],
  "extraMcpServers.*.env": [
    "servers",
    { extraMcpServers: { x: server } },
    { extraMcpServers: { x: { ...server, env: { A: "2" } } } },
  ],
  "extraMcpServers.*.resident": [
    "staysAwake",
    { extraMcpServers: { x: server } },
    { extraMcpServers: { x: { ...server, resident: true } } },
  ],
  "tools.allow": ["answers", {}, { tools: { allow: ["WebFetch"] } }],
  "tools.deny": ["options", {}, { tools: { deny: ["Bash"] } }],
  egress: ["hosts", { egress: ["a.org"] }, { egress: ["b.org"] }],
  env: ["options", { env: { A: "1" } }, { env: { A: "2" } }],
  secrets: ["options", { secrets: ["ONE"] }, { secrets: ["TWO"] }],
  credential: ["credential", {}, { credential: "work" }],
  "apis.*.url": ["doors", { apis: { x: api } }, { apis: { x: { ...api, url: "https://b.org" } } }],
  "apis.*.secret": ["doors", { apis: { x: api } }, { apis: { x: { ...api, secret: "TWO" } } }],
  "apis.*.header": ["doors", { apis: { x: api } }, { apis: { x: { ...api, header: "x-key: {}" } } }],
  "apis.*.allow": ["doors", { apis: { x: api } }, { apis: { x: { ...api, allow: ["GET /b"] } } }],
  "limits.memory_mib": ["cage", {}, { limits: { memory_mib: 4096 } }],
  "limits.cpu_percent": ["cage", {}, { limits: { cpu_percent: 50 } }],
  "limits.pids": ["cage", {}, { limits: { pids: 64 } }],
  "limits.disk_mib": ["halted", {}, { limits: { disk_mib: 16 } }],
  "mounts[].host": ["cage", { mounts: [mount] }, { mounts: [{ ...mount, host: other }] }],
  "mounts[].cage": ["cage", { mounts: [mount] }, { mounts: [{ ...mount, cage: "/other" }] }],
  "repos[].name": ["repos", { repos: [{ name: "web" }] }, { repos: [{ name: "api" }] }],
  "repos[].base": ["repos", { repos: [{ name: "web" }] }, { repos: [{ name: "web", base: "next" }] }],
  "repos[].access": ["access", { repos: [{ name: "web" }] }, { repos: [{ name: "web", access: "read" }] }],
  "repos[].project": ["options", { repos: [{ name: "web" }] }, { repos: [{ name: "web", project: true }] }],
  ...Object.fromEntries(
    BUDGET_KINDS.map((kind) => [`budget.${kind}`, ["budget", { budget: { [kind]: 4 } }, { budget: { [kind]: 5 } }] as const]),
  ),
  "mounts[].mode": ["cage", { mounts: [mount] }, { mounts: [{ ...mount, mode: "rw" }] }],
};
/** Variables of the CLI that a config may override although the harness sets them. */
const OVERRIDABLE = { LANG: "de_DE.UTF-8" };
/** Variables that keep what a config has in them, and get more from the harness. */
const EXTENDED = { MAVEN_OPTS: "-Xmx1g", GRADLE_OPTS: "-Xmx2g" };

/** Keys with only one value: there is no second config to compare with. */
const ONE_VALUE: Record<string, (effects: Record<string, unknown>) => void> = {
  cli: ({ cage }) => expect(cage).toMatchObject({ env: { HIVE_CLAUDE: "/opt/hive/bin/claude" } }),
};

describe("a key of agent.json", () => {
  test("has a proof below, for each of them", () => {
    expect(keysOf(AgentConfig).sort()).toEqual([...Object.keys(KEYS), ...Object.keys(ONE_VALUE)].sort());
  });
  test.each(Object.entries(KEYS))("%s has an effect", async (_, [part, one, two]) => {
    expect((await effects(one))[part]).not.toEqual((await effects(two))[part]);
  });
  test.each(Object.entries(ONE_VALUE))("%s has an effect", async (_, proof) => {
    proof(await effects({}));
  });
});

test("a variable that the harness sets itself is refused in a config, or overridden or extended by it", async () => {
  const { options } = (await effects({ env: { ...OVERRIDABLE, ...EXTENDED } })) as { options: { env: Environment } };
  expect(options.env).toMatchObject(OVERRIDABLE);
  for (const [name, value] of Object.entries(EXTENDED)) expect(options.env[name]).toMatch(new RegExp(`^${value} -D`));
  const settable = Object.keys(options.env)
    .filter((name) => !Object.hasOwn({ ...OVERRIDABLE, ...EXTENDED }, name))
    .filter((name) => AgentConfig.safeParse({ env: { [name]: "x" } }).success);
  expect(settable).toEqual([]);
});

type Environment = Record<string, string>;
const PROXIED = {
  HIVE_PUBLIC_URL: "https://a.example",
  HIVE_TRUSTED_HEADER: "X-Remote-User",
  HIVE_TRUSTED_PROXY: "unix:caddy",
};
/** For each setting two environments that differ in nothing else. */
const VALUES: Record<string, [Environment, Environment]> = {
  ...pairs({
    HIVE_STATE_DIR: ["/a", "/b"],
    HIVE_RUN_DIR: ["/a", "/b"],
    HIVE_PORT: ["1", "2"],
    HIVE_BIND: ["127.0.0.1", "::1"],
    HIVE_AGENT_PORTS: ["on", "off"],
    HIVE_AGENT_PORT_BASE: ["8000", "9000"],
    HIVE_PUBLIC_URL: ["https://a.example", "https://b.example"],
    HIVE_OPERATOR_PRONOUNS: ["she/her", "he/him"],
    HIVE_MAX_HOPS: ["1", "2"],
    HIVE_LOOP_USD: ["1", "2"],
    HIVE_LOOP_OUTPUT_TOKENS: ["1", "2"],
    HIVE_SEND_RATE: ["1", "2"],
    HIVE_COMMIT_GROUP: ["1", "2"],
    HIVE_SCENARIOS: ["/a", "/b"],
    HIVE_CREDENTIAL_FILE: ["/a", "/b"],
    HIVE_SLEEP_AFTER_SECONDS: ["1", "2"],
    HIVE_WARM_SECONDS: ["1", "2"],
    HIVE_LEASE_GRACE_SECONDS: ["1", "2"],
    HIVE_CRASH_BACKOFF_SECONDS: ["1", "2"],
    HIVE_CONFIRM_SECONDS: ["1", "2"],
    HIVE_DISK_CHECK_SECONDS: ["1", "2"],
    HIVE_LOG_LEVEL: ["info", "debug"],
    HIVE_CLAUDE_PATH: ["/a", "/b"],
    HIVE_CHECKOUT: ["/a", "/b"],
    HIVE_PRICES: ["/a", "/b"],
    HIVE_OTLP_ENDPOINT: ["http://127.0.0.1:4318", "https://otel.example"],
    HIVE_SHARED_RATE_LIMITS: ["on", "off"],
    HIVE_TIME_ZONE: ["Europe/Berlin", "Asia/Tokyo"],
    HIVE_AUTO_UPDATE: ["on", "off"],
    HIVE_REPOSITORIES: ["/a", "/b"],
    HIVE_BRANCH_PREFIX: ["hive/a", "bots"],
    ANTHROPIC_API_KEY: ["a", "b"],
    CLAUDE_CODE_OAUTH_TOKEN: ["a", "b"],
    CREDENTIALS_DIRECTORY: ["/a", "/b"],
    XDG_STATE_HOME: ["/a", "/b"],
    PATH: ["/a", "/b"],
    HIVE_FLAKE: ["/a", "/b"],
  }),
  HIVE_DRIVER: [{ HIVE_FLAKE: "/a" }, { HIVE_FLAKE: "/a", HIVE_DRIVER: "nixos-container" }],
  HIVE_FLAKE_INPUTS: [{ HIVE_FLAKE: "/a" }, { HIVE_FLAKE: "/a", HIVE_FLAKE_INPUTS: "nixpkgs=/b" }],
  HIVE_TRUSTED_HEADER: [PROXIED, { ...PROXIED, HIVE_TRUSTED_HEADER: "Remote-User" }],
  HIVE_TRUSTED_PROXY: [PROXIED, { ...PROXIED, HIVE_TRUSTED_PROXY: "unix:www-data" }],
  HIVE_REHEARSAL: [{ ANTHROPIC_API_KEY: "a" }, { ANTHROPIC_API_KEY: "a", HIVE_REHEARSAL: "1" }],
  HIVE_UPSTREAM_URL: [{ ANTHROPIC_API_KEY: "a" }, { ANTHROPIC_API_KEY: "a", HIVE_UPSTREAM_URL: "https://b.example" }],
  HIVE_BEHIND_PROXY: [{ HIVE_BIND: "0.0.0.0" }, { HIVE_BIND: "0.0.0.0", HIVE_BEHIND_PROXY: "1" }],
};
const HARNESS_VALUES = pairs({
  HIVE_SOCKETS: ["/a", "/b"],
  HIVE_CLAUDE: ["/a", "/b"],
  HIVE_REVISION: ["a", "b"],
  HIVE_GENERATION: ["1", "2"],
  HIVE_NONCE: ["a", "b"],
  HIVE_HOME: ["/a", "/b"],
  HIVE_WORK: ["/a", "/b"],
  HIVE_WORKSPACES: ["/a", "/b"],
  HIVE_PROJECTS: ["/a", "/b"],
  HIVE_WARM_SECONDS: ["1", "2"],
  HIVE_AWAY_SECONDS: ["1", "2"],
  HIVE_PROTOCOL: ["1", "2"],
  PATH: ["/a", "/b"],
});

function pairs(values: Record<string, [string, string]>): Record<string, [Environment, Environment]> {
  return Object.fromEntries(Object.entries(values).map(([name, [one, two]]) => [name, [{ [name]: one }, { [name]: two }]]));
}

function outcome(read: () => object): unknown {
  try {
    return read();
  } catch (error) {
    return String(error);
  }
}

/** The fields of the parsed settings that no other file of a program reads from `config`. */
function unread(fields: string[], source: string, own: string): string[] {
  const text = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && name !== own)
    .map((name) => readFileSync(join(source, name), "utf8"))
    .join("\n");
  return fields.filter((name) => !new RegExp(`\\bconfig\\.${name}\\b|\\{[^{}]*\\b${name}\\b[^{}]*\\} = config;`).test(text));
}

describe("a setting", () => {
  const read = (env: Environment) => readConfig(env, { foreground: true });
  test("of the daemon has a proof below, for each of them", () => {
    expect(Object.keys(VALUES).sort()).toEqual(SETTINGS.toSorted());
  });
  test.each(Object.entries(VALUES))("%s changes what the daemon runs with", (_, [one, two]) => {
    expect(outcome(() => read(one))).not.toEqual(outcome(() => read(two)));
  });
  test.each([
    ["daemon", SETTINGS],
    ["harness", HARNESS_SETTINGS],
  ])("of the %s is removed from the environment", (program, names) => {
    const text = readFileSync(`src/${program}/config.ts`, "utf8");
    expect(names.filter((name) => !text.includes(`e.${name}`))).toEqual([]);
  });
  test("of the daemon is read by the code that it configures", () => {
    expect(unread(Object.keys(read({})), "src/daemon", "config.ts")).toEqual([]);
  });

  test("of the harness has a proof below, for each of them", () => {
    expect(Object.keys(HARNESS_VALUES).sort()).toEqual(HARNESS_SETTINGS.toSorted());
  });
  test.each(Object.entries(HARNESS_VALUES))("%s changes what the harness runs with", (_, [one, two]) => {
    expect(readHarnessConfig(one)).not.toEqual(readHarnessConfig(two));
  });
  test("of the harness is read by the code that it configures", () => {
    expect(unread(Object.keys(readHarnessConfig({})), "src/harness", "config.ts")).toEqual([]);
  });
  test("that a cage gets from the daemon is read by its harness, its CLI or every program", async () => {
    const { cage } = await effects({});
    const everywhere = ["HOME", "LANG", "PATH", "TMPDIR"];
    const given = Object.keys((cage as { env: Environment }).env);
    expect(given.filter((name) => !HARNESS_SETTINGS.includes(name) && !everywhere.includes(name))).toEqual([]);
  });
});

test("a driver that does not exist is refused with the names of those that do", () => {
  const words = /HIVE_DRIVER: there is no such driver; the drivers are: bwrap, nixos-container/;
  expect(() => readConfig({ HIVE_DRIVER: "nspawn" }, { foreground: true })).toThrow(words);
  expect(readConfig({}, { foreground: true }).driver).toBe("bwrap");
  const unnamed = /HIVE_DRIVER=nixos-container needs HIVE_FLAKE/;
  const containers = { HIVE_DRIVER: "nixos-container" };
  expect(() => readConfig(containers, { foreground: true })).toThrow(unnamed);
  // A check of the host builds no system.
  expect(readConfig(containers, { foreground: true, serves: false }).driver).toBe("nixos-container");
});
