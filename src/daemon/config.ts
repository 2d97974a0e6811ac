import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { PLATFORM_NAMES, type PlatformName } from "../platforms/open.ts";
import { LAST_PORT_OFFSET } from "../agents/port.ts";
import { parseTrustedPeers, type TrustedPeers } from "../lib/trusted-proxy.ts";
import { isTimeZone } from "../policy/days.ts";
import type { RateLimit } from "../lib/token-bucket.ts";
import { BURST_SECONDS, DEFAULT_SEND_RATE } from "../messages/rate.ts";
import { MAX_GROUP } from "../store/writer.ts";
import { schemaComplaint } from "../wire/error.ts";
import { CONTAINER_DRIVER } from "../wire/w4rden.ts";
import { BranchName } from "../wire/work.ts";
import { DEFAULT_LOOP_OUTPUT_TOKENS, DEFAULT_LOOP_USD, DEFAULT_MAX_HOPS } from "../wire/limits.ts";

/** The only file of the daemon that reads the environment. All other code gets a `Config`. */

/** A number in a variable. It is checked as text, so that the error shows what was set. */
const numeric = (pattern: RegExp, fits: (value: number) => boolean, rule: string) =>
  z.string().transform((text, context) => {
    const value = Number(text);
    if (pattern.test(text) && fits(value)) return value;
    context.issues.push({ code: "custom", input: text, message: `it is ${rule}, not ${JSON.stringify(text.slice(0, 80))}` });
    return z.NEVER;
  });
const Whole = (min: number, max: number) =>
  numeric(/^\d+$/, (value) => value >= min && value <= max, `a whole number from ${min} to ${max}`);
const Positive = numeric(/^\d+(?:\.\d+)?$/, (value) => value > 0, "a number above 0");

const MAX_PORT = 65535;
/** Lower ports need a privilege. */
const FIRST_FREE_PORT = 1024;
const LAST_PORT_BASE = MAX_PORT - LAST_PORT_OFFSET;
/** The manager's port is this far above the dashboard's: 7000 and 8000. A second hive therefore gets other ports. */
const PORT_BASE_OFFSET = 1000;
const DEFAULT_PORT_BASE = 8000;
const Folder = z.string().refine(isAbsolute, "must be an absolute path");
const Seconds = (fallback: number) => Positive.default(fallback);

/** A time zone that the runtime knows, such as Europe/Berlin. */
const TimeZone = z.string().refine(isTimeZone, "it is no time zone: name one such as Europe/Berlin or UTC");

/** Characters of the prefix of branches: an agent's name and its topic follow. */
const MAX_PREFIX_CHARS = 60;
/** What branches begin with, without a slash at its end. */
const BranchPrefix = BranchName.max(MAX_PREFIX_CHARS, `it has at most ${MAX_PREFIX_CHARS} characters`);

/** Reads the peers of the trusted proxy. */
const Peers = z.string().transform((text, context) => {
  try {
    return parseTrustedPeers(text);
  } catch (error) {
    context.issues.push({ code: "custom", input: text, message: error instanceof Error ? error.message : String(error) });
    return z.NEVER;
  }
});
/**
 * A header that says who a proxy's user is. Not one that a browser or HTTP itself gives a meaning, which a proxy would
 * pass on from its users.
 */
const UserHeader = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/i, "it is the name of a header: letters, digits and '-'")
  .refine(
    (name) =>
      /-/.test(name) &&
      !/^(?:(?:sec|content|accept|access|proxy|if|transfer|user|set|last|max|keep|cache|hive)-|x-forwarded-(?:for|host|port|proto|server)$)/i.test(
        name,
      ),
    "it is a header of the proxy's own, such as X-Remote-User, and not one that browsers or HTTP use",
  );

/** Inputs of hyperhive's flake and the folders that replace them: `nixpkgs=/nix/store/…-source`, with spaces between them. */
const FlakeInputs = z.string().transform((text, context) => {
  const inputs: Record<string, string> = {};
  for (const word of text.trim().split(/\s+/)) {
    const [, name, folder] = /^([a-z][A-Za-z0-9_-]{0,63})=(\/[A-Za-z0-9+._?=/-]+)$/.exec(word) ?? [];
    if (name === undefined || folder === undefined) {
      const message = `it names inputs and folders, as nixpkgs=/nix/store/…-source, not ${JSON.stringify(word.slice(0, 80))}`;
      context.issues.push({ code: "custom", input: text, message });
      return z.NEVER;
    }
    inputs[name] = folder;
  }
  return inputs;
});

/** The base URL of a collector, to which the path of each signal is added. */
const Collector = z
  .url({ protocol: /^https?$/, error: "it is a URL with http or https, such as http://127.0.0.1:4318" })
  .refine((text) => {
    const { username, password, search, hash } = new URL(text);
    return [username, password, search, hash].every((part) => part === "");
  }, "it has no user, password, query or fragment: let a collector on this machine add what another one asks for")
  .transform((text) => text.replace(/\/+$/, ""));

const Environment = z.object({
  HIVE_STATE_DIR: Folder.optional(),
  HIVE_RUN_DIR: Folder.optional(),
  HIVE_PORT: Whole(0, MAX_PORT).default(7000),
  HIVE_BIND: z.string().min(1).default("127.0.0.1"),
  HIVE_AGENT_PORTS: z.enum(["on", "off"]).default("on"),
  HIVE_AGENT_PORT_BASE: Whole(FIRST_FREE_PORT, LAST_PORT_BASE).optional(),
  HIVE_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  HIVE_BEHIND_PROXY: z.enum(["0", "1"]).default("0"),
  HIVE_TRUSTED_HEADER: UserHeader.optional(),
  HIVE_TRUSTED_PROXY: Peers.optional(),
  HIVE_AUTO_UPDATE: z.enum(["on", "off"]).default("on"),
  HIVE_OPERATOR_PRONOUNS: z.string().max(64).default("she/her"),
  HIVE_MAX_HOPS: Whole(1, 10_000).default(DEFAULT_MAX_HOPS),
  HIVE_LOOP_USD: Positive.default(DEFAULT_LOOP_USD),
  HIVE_LOOP_OUTPUT_TOKENS: Whole(1, 1_000_000_000).default(DEFAULT_LOOP_OUTPUT_TOKENS),
  HIVE_SEND_RATE: Positive.default(DEFAULT_SEND_RATE.perSecond),
  HIVE_COMMIT_GROUP: Whole(1, MAX_GROUP).default(MAX_GROUP),
  HIVE_SCENARIOS: z.string().optional(),
  HIVE_REHEARSAL: z.enum(["0", "1"]).default("0"),
  HIVE_UPSTREAM_URL: z.url({ protocol: /^https?$/ }).optional(),
  HIVE_CREDENTIAL_FILE: Folder.optional(),
  HIVE_DRIVER: z.enum(PLATFORM_NAMES, `there is no such driver; the drivers are: ${PLATFORM_NAMES.join(", ")}`).default("bwrap"),
  HIVE_FLAKE: Folder.optional(),
  HIVE_FLAKE_INPUTS: FlakeInputs.optional(),
  HIVE_SLEEP_AFTER_SECONDS: Seconds(30 * 60),
  HIVE_WARM_SECONDS: Seconds(10 * 60),
  HIVE_LEASE_GRACE_SECONDS: Seconds(60),
  HIVE_CRASH_BACKOFF_SECONDS: Seconds(10),
  HIVE_CONFIRM_SECONDS: Seconds(60),
  HIVE_DISK_CHECK_SECONDS: Seconds(30),
  HIVE_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error"]).default("info"),
  HIVE_CLAUDE_PATH: Folder.optional(),
  HIVE_CHECKOUT: Folder.optional(),
  HIVE_PRICES: Folder.optional(),
  HIVE_TIME_ZONE: TimeZone.optional(),
  HIVE_OTLP_ENDPOINT: Collector.optional(),
  HIVE_SHARED_RATE_LIMITS: z.enum(["on", "off"]).default("on"),
  HIVE_REPOSITORIES: Folder.optional(),
  HIVE_BRANCH_PREFIX: BranchPrefix.optional(),
  ANTHROPIC_API_KEY: z.string().min(1).optional(),
  CLAUDE_CODE_OAUTH_TOKEN: z.string().min(1).optional(),
  CREDENTIALS_DIRECTORY: Folder.optional(),
  XDG_STATE_HOME: Folder.optional(),
  PATH: z.string().default("/usr/local/bin:/usr/bin:/bin"),
});

/** The names of all variables that the daemon reads. */
export const SETTINGS: readonly string[] = Object.keys(Environment.shape);

export interface Config {
  stateDir: string;
  runDir: string;
  /** 0 takes any free port. */
  port: number;
  bind: string;
  publicUrl: URL | undefined;
  /** The reverse proxy that names the operator of each request in a header. */
  trustedProxy: { header: string; peers: TrustedPeers } | undefined;
  /** The manager's port, from which the agents' ports are counted. If undefined, pages are served only on `port`. */
  agentPortBase: number | undefined;
  /** Whether stale agents are rebuilt without being asked. */
  autoUpdate: boolean;
  operatorPronouns: string;
  maxHops: number;
  /** What a loop of agents may use before its messages are held: US dollars, and tokens of output. */
  loopLimits: { usd: number; outputTokens: number };
  /** The messages that one agent may send per second. A burst may have four seconds' worth. */
  sendRate: RateLimit;
  /**
   * The maximum number of writes in one commit. With 1 every send has its own commit, which the bench compares with.
   */
  commitGroup: number;
  /** A folder or file of scenarios for the rehearsal. If undefined, it plays the built-in tour. */
  scenarios: string | undefined;
  upstream: UpstreamConfig;
  /** The folder of the credentials that a service manager passes. Some of them may be secrets of agents. */
  credentialsFolder: string | undefined;
  /** The platform that runs the cages. */
  driver: PlatformName;
  /** The folder of hyperhive's flake and those that replace its inputs, for a platform that builds systems. */
  flake: { folder: string; inputs: Record<string, string> } | undefined;
  sleepAfterMs: number;
  warmMs: number;
  leaseGraceMs: number;
  crashBackoffMs: number;
  /** How long a new generation may take to confirm. */
  confirmMs: number;
  /** The pause between two rounds that measure the agents' disk use. */
  diskCheckMs: number;
  logLevel: string;
  /** The PATH on which programs are searched. */
  path: string;
  /** The CLI's program, if it does not come with the packages (NixOS). */
  claudePath: string | undefined;
  /** Where this program is on the host, if the daemon sees it elsewhere. */
  checkout: string | undefined;
  /** A JSON file of prices that override the built-in ones. */
  pricesFile: string | undefined;
  /** The time zone of the operator's days, in which budgets count. */
  timeZone: string;
  /** What the branches of the hive's own begin with on other hosts, without a slash at its end. Absent: `hive/<its id>`. */
  branchPrefix: string | undefined;
  /** The base URL of a collector of OpenTelemetry. If undefined, nothing is exported. */
  otlpEndpoint: string | undefined;
  /** Whether a limit of the model's API holds every agent that uses the credential. */
  sharesRateLimits: boolean;
  /** A JSON file of the repositories that the host declares. */
  repositoriesFile: string | undefined;
  /** Ctrl-C and SIGTERM also stop the cages. Under a service manager the cages keep running. */
  foreground: boolean;
}

export type UpstreamConfig =
  /** `forced`: even with a credential. Otherwise a log-in ends the rehearsal, and requests go to `baseUrl`. */
  | { kind: "rehearsal"; forced: boolean; baseUrl: string }
  | { kind: "live"; baseUrl: string; credential: { kind: "api-key" | "oauth"; source: CredentialSource } };

/**
 * Where the credential comes from, and the name of the variable. A file is read each time it is needed, so that the
 * credential can be rotated.
 */
export type CredentialSource = { name: string } & ({ from: "environment"; value: string } | { from: "file"; path: string });

const ANTHROPIC_API = "https://api.anthropic.com";
/** The name of the credential that a service manager passes. */
const SYSTEMD_CREDENTIAL = "anthropic";

/** Reads the environment. Throws an error that names the variable. What only a hive that runs needs may be missing if none is served. */
export function readConfig(env: NodeJS.ProcessEnv, options: { foreground: boolean; serves?: boolean }): Config {
  // An empty variable counts as not set.
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const parsed = Environment.safeParse(set);
  if (!parsed.success) throw new Error(`the settings are not valid: ${schemaComplaint(parsed.error)}`);
  const e = parsed.data;
  const stateDir = e.HIVE_STATE_DIR ?? join(e.XDG_STATE_HOME ?? join(homedir(), ".local", "state"), "hyperhive");
  const publicUrl = e.HIVE_PUBLIC_URL ? new URL(e.HIVE_PUBLIC_URL) : undefined;
  if (!isLoopback(e.HIVE_BIND) && publicUrl?.protocol !== "https:" && e.HIVE_BEHIND_PROXY !== "1") {
    throw new Error(
      `HIVE_BIND=${e.HIVE_BIND} would serve the dashboard unencrypted to the network: set HIVE_PUBLIC_URL to the https address of your reverse proxy, or HIVE_BEHIND_PROXY=1 if another proxy encrypts the connections`,
    );
  }
  return {
    stateDir,
    runDir: e.HIVE_RUN_DIR ?? join(stateDir, "run"),
    port: e.HIVE_PORT,
    bind: e.HIVE_BIND,
    publicUrl,
    trustedProxy: trustedProxyOf(e, publicUrl),
    agentPortBase: e.HIVE_AGENT_PORTS === "off" ? undefined : (e.HIVE_AGENT_PORT_BASE ?? portBase(e.HIVE_PORT)),
    autoUpdate: e.HIVE_AUTO_UPDATE === "on",
    operatorPronouns: e.HIVE_OPERATOR_PRONOUNS,
    maxHops: e.HIVE_MAX_HOPS,
    loopLimits: { usd: e.HIVE_LOOP_USD, outputTokens: e.HIVE_LOOP_OUTPUT_TOKENS },
    sendRate: { perSecond: e.HIVE_SEND_RATE, burst: e.HIVE_SEND_RATE * BURST_SECONDS },
    commitGroup: e.HIVE_COMMIT_GROUP,
    scenarios: e.HIVE_SCENARIOS,
    upstream: upstreamOf(e),
    credentialsFolder: e.CREDENTIALS_DIRECTORY,
    driver: e.HIVE_DRIVER,
    flake: flakeOf(e, options.serves ?? true),
    sleepAfterMs: e.HIVE_SLEEP_AFTER_SECONDS * 1000,
    warmMs: e.HIVE_WARM_SECONDS * 1000,
    leaseGraceMs: e.HIVE_LEASE_GRACE_SECONDS * 1000,
    crashBackoffMs: e.HIVE_CRASH_BACKOFF_SECONDS * 1000,
    confirmMs: e.HIVE_CONFIRM_SECONDS * 1000,
    diskCheckMs: e.HIVE_DISK_CHECK_SECONDS * 1000,
    logLevel: e.HIVE_LOG_LEVEL,
    path: e.PATH,
    claudePath: e.HIVE_CLAUDE_PATH,
    checkout: e.HIVE_CHECKOUT,
    pricesFile: e.HIVE_PRICES,
    sharesRateLimits: e.HIVE_SHARED_RATE_LIMITS === "on",
    timeZone: e.HIVE_TIME_ZONE ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    otlpEndpoint: e.HIVE_OTLP_ENDPOINT,
    repositoriesFile: e.HIVE_REPOSITORIES,
    branchPrefix: e.HIVE_BRANCH_PREFIX,
    foreground: options.foreground,
  };
}

/** The trusted proxy. Throws an error that names the variable that is missing, or that does not fit the others. */
function trustedProxyOf(e: z.infer<typeof Environment>, publicUrl: URL | undefined): Config["trustedProxy"] {
  const header = e.HIVE_TRUSTED_HEADER;
  const peers = e.HIVE_TRUSTED_PROXY;
  if (header === undefined && peers === undefined) return undefined;
  if (header === undefined)
    throw new Error(
      "HIVE_TRUSTED_PROXY needs HIVE_TRUSTED_HEADER: the header in which the proxy names its user, such as X-Remote-User",
    );
  if (peers === undefined)
    throw new Error(
      "HIVE_TRUSTED_HEADER needs HIVE_TRUSTED_PROXY: a header is taken from the proxy only, so say who that is, as in unix:caddy",
    );
  if (publicUrl?.protocol !== "https:")
    throw new Error("HIVE_TRUSTED_HEADER needs HIVE_PUBLIC_URL: the https address at which the proxy serves the hive");
  if (peers.kind === "tcp" && isLoopback(e.HIVE_BIND))
    throw new Error(
      `HIVE_TRUSTED_PROXY names addresses, but HIVE_BIND=${e.HIVE_BIND} takes connections from this machine only, and every user of it can make them: name the proxy's Unix user, as in unix:caddy`,
    );
  return { header, peers };
}

/** The flakes of a platform that builds systems. Throws an error that names the variable that is missing. */
function flakeOf(e: z.infer<typeof Environment>, serves: boolean): Config["flake"] {
  if (serves && e.HIVE_FLAKE === undefined && e.HIVE_DRIVER === CONTAINER_DRIVER)
    throw new Error(
      `HIVE_DRIVER=${CONTAINER_DRIVER} needs HIVE_FLAKE: the folder of hyperhive's flake, from which the systems of agents are built (on NixOS, services.hive-c0re.driver sets both)`,
    );
  return e.HIVE_FLAKE === undefined ? undefined : { folder: e.HIVE_FLAKE, inputs: e.HIVE_FLAKE_INPUTS ?? {} };
}

/**
 * Derives the manager's port from the dashboard's. Port 0, and ports whose result would be out of range, get the
 * default.
 */
function portBase(port: number): number {
  const base = port + PORT_BASE_OFFSET;
  return port > 0 && base >= FIRST_FREE_PORT && base <= LAST_PORT_BASE ? base : DEFAULT_PORT_BASE;
}

/** The address of the agents' own pages: a loopback address, because they are for a browser on this machine. */
export function pageAddress({ bind }: Pick<Config, "bind">): string {
  return isLoopback(bind) ? bind : "127.0.0.1";
}

export function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || /^127\.\d+\.\d+\.\d+$/.test(address);
}

function upstreamOf(e: z.infer<typeof Environment>): UpstreamConfig {
  const baseUrl = e.HIVE_UPSTREAM_URL ?? ANTHROPIC_API;
  if (e.HIVE_REHEARSAL === "1") return { kind: "rehearsal", forced: true, baseUrl };
  const live = (kind: "api-key" | "oauth", source: CredentialSource): UpstreamConfig => ({
    kind: "live",
    baseUrl,
    credential: { kind, source },
  });
  const variable = (name: "ANTHROPIC_API_KEY" | "CLAUDE_CODE_OAUTH_TOKEN", value: string): CredentialSource => ({
    from: "environment",
    name,
    value,
  });
  if (e.ANTHROPIC_API_KEY) return live("api-key", variable("ANTHROPIC_API_KEY", e.ANTHROPIC_API_KEY));
  if (e.CLAUDE_CODE_OAUTH_TOKEN) return live("oauth", variable("CLAUDE_CODE_OAUTH_TOKEN", e.CLAUDE_CODE_OAUTH_TOKEN));
  // The first characters of the file's content give the kind, when it is read.
  if (e.HIVE_CREDENTIAL_FILE)
    return live("api-key", { from: "file", name: "HIVE_CREDENTIAL_FILE", path: e.HIVE_CREDENTIAL_FILE });
  if (e.CREDENTIALS_DIRECTORY) {
    const path = join(e.CREDENTIALS_DIRECTORY, SYSTEMD_CREDENTIAL);
    // It may have other credentials alone.
    const isElsewhere = existsSync(e.CREDENTIALS_DIRECTORY) && !existsSync(path);
    if (!isElsewhere) return live("api-key", { from: "file", name: `the systemd credential "${SYSTEMD_CREDENTIAL}"`, path });
  }
  return { kind: "rehearsal", forced: false, baseUrl };
}
