import { readFileSync } from "node:fs";
import { liveUpstream, type Credential } from "../gateway/anthropic/live.ts";
import type { Dialect, Upstream } from "../gateway/model/dialect.ts";
import { anthropic } from "../gateway/anthropic/dialect.ts";
import { rehearsalUpstream } from "../gateway/anthropic/rehearsal/rehearsal.ts";
import { parseScenario, readScenarios, type Scenario } from "../gateway/anthropic/rehearsal/scenario.ts";
import { HiveError } from "../wire/error.ts";
import { instant } from "../wire/instant.ts";
import type { ModelLoginView } from "../wire/model-login.ts";
import tour from "../../dev/scenarios/tour.json" with { type: "json" };
import type { Config, CredentialSource } from "./config.ts";
import type { StoredLogin } from "./login/stored-login.ts";

/** How the hive reaches a model, and how that is shown. A log-in changes all but the dialect and the upstream. */
export interface ModelAccess {
  readonly mode: "rehearsal" | "live";
  /** A name to show: a host, never a credential. */
  readonly name: string;
  readonly scenarios: string[];
  /** The kind of placeholder credential in cages. */
  readonly credentialKind: "api-key" | "oauth";
  /** Where the credential comes from. */
  readonly credential: ModelLoginView;
  /** Why a log-in would have no effect, and what to do; undefined if it would have one. */
  readonly whyNoLogin: string | undefined;
  readonly dialect: Dialect;
  readonly upstream: Upstream;
}

/** The name of the built-in scenario. */
export const TOUR = tour.name;
/** The prefix of OAuth tokens. */
const OAUTH_PREFIX = "sk-ant-oat";

/**
 * Opens the model access. A credential of the environment or of a file comes first, then the log-in, then the rehearsal.
 * Throws an error that names the file if a scenario or a credential cannot be read.
 */
export function openModelAccess(config: Config["upstream"], scenarios: string | undefined, stored: StoredLogin): ModelAccess {
  if (config.kind === "live") {
    const { source, kind } = config.credential;
    const read = credentialReader(source, kind);
    return {
      mode: "live",
      name: new URL(config.baseUrl).host,
      scenarios: [],
      credentialKind: read().kind,
      credential: { source: source.from },
      whyNoLogin: `the hive's credential comes from ${source.name}, which comes before a log-in: restart the daemon without it, then log in`,
      dialect: anthropic,
      upstream: liveUpstream(config.baseUrl, read),
    };
  }
  const played: Scenario[] =
    scenarios === undefined ? [parseScenario(JSON.stringify(tour), "the built-in tour")] : readScenarios(scenarios);
  const rehearsal = rehearsalUpstream(played);
  const rehearsing = {
    mode: "rehearsal" as const,
    name: "rehearsal",
    scenarios: played.map((one) => one.name),
    credentialKind: "api-key" as const,
    dialect: anthropic,
  };
  if (config.forced)
    return {
      ...rehearsing,
      credential: { source: "rehearsal" },
      whyNoLogin: "HIVE_REHEARSAL=1 makes the hive rehearse: restart the daemon without it, then log in",
      upstream: rehearsal,
    };
  const live = liveUpstream(config.baseUrl, () => ({ kind: "oauth", value: stored.token() }));
  const { host } = new URL(config.baseUrl);
  return {
    get mode() {
      return stored.exists ? "live" : rehearsing.mode;
    },
    get name() {
      return stored.exists ? host : rehearsing.name;
    },
    get scenarios() {
      return stored.exists ? [] : rehearsing.scenarios;
    },
    get credentialKind() {
      return stored.exists ? "oauth" : rehearsing.credentialKind;
    },
    get credential(): ModelLoginView {
      const { about } = stored;
      if (!stored.exists) return { source: "none" };
      return { source: "login", ...(about && { by: about.by, at: instant(about.at) }) };
    },
    whyNoLogin: undefined,
    dialect: anthropic,
    upstream: async (request) => (stored.exists ? live : rehearsal)(request),
  };
}

function credentialReader(source: CredentialSource, kind: Credential["kind"]): () => Credential {
  if (source.from === "environment") return () => ({ kind, value: source.value });
  return () => {
    let value: string;
    try {
      value = readFileSync(source.path, "utf8").trim();
    } catch (error) {
      throw new HiveError(
        "unavailable",
        `the credential file ${source.path} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`,
      );
    }
    if (value === "") throw new HiveError("unavailable", `the credential file ${source.path} is empty`);
    return { kind: value.startsWith(OAUTH_PREFIX) ? "oauth" : "api-key", value };
  };
}
