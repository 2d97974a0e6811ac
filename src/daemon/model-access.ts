import { liveUpstream, type Credential } from "../gateway/anthropic/live.ts";
import type { Dialect, Upstream } from "../gateway/model/dialect.ts";
import { anthropic } from "../gateway/anthropic/dialect.ts";
import { rehearsalUpstream } from "../gateway/anthropic/rehearsal/rehearsal.ts";
import { parseScenario, readScenarios, type Scenario } from "../gateway/anthropic/rehearsal/scenario.ts";
import { DEFAULT_CREDENTIAL } from "../wire/default-credential.ts";
import { HiveError } from "../wire/error.ts";
import { instant } from "../wire/instant.ts";
import type { ModelLoginView } from "../wire/model-login.ts";
import tour from "../../dev/scenarios/tour.json" with { type: "json" };
import type { Config, CredentialSource } from "./config.ts";
import type { CredentialFiles } from "./login/credential-files.ts";
import type { StoredLogin } from "./login/stored-login.ts";
import { credentialIn } from "./login/token.ts";

/** How the hive reaches a model, and how that is shown. A log-in changes all but the dialect and the upstream. */
export interface ModelAccess {
  readonly mode: "rehearsal" | "live";
  /** A name to show: a host, never a credential. */
  readonly name: string;
  readonly scenarios: string[];
  /** The kind of placeholder credential in the cages of the agents that use a credential. */
  credentialKind(name: string): "api-key" | "oauth";
  /** Where the hive's own credential comes from. */
  readonly credential: ModelLoginView;
  /** Why a log-in would have no effect, and what to do; undefined if it would have one. */
  readonly whyNoLogin: string | undefined;
  readonly dialect: Dialect;
  readonly upstream: Upstream;
}

/** The name of the built-in scenario. */
export const TOUR = tour.name;

/**
 * Opens the model access. For the hive's own credential, one of the environment or of a file comes first, then the
 * log-in, then the rehearsal. The requests of agents that name another credential have that one; only a forced rehearsal
 * answers them, too.
 * Throws an error that names the file if a scenario or a credential cannot be read.
 */
export function openModelAccess(
  config: Config["upstream"],
  scenarios: string | undefined,
  stored: StoredLogin,
  named: Pick<CredentialFiles, "of">,
): ModelAccess {
  /** A credential besides the hive's own. */
  const other = (name: string): Credential => {
    const found = named.of(name);
    if (!found) throw new HiveError("unavailable", `the credential ${name} is missing`);
    return found.credential();
  };
  /** The kind of one besides the hive's own; that of the hive's own where it cannot be read. */
  const kindOf = (name: string, own: Credential["kind"]): Credential["kind"] => {
    if (name === DEFAULT_CREDENTIAL) return own;
    try {
      return other(name).kind;
    } catch {
      // The agent's requests are refused and say why.
      return own;
    }
  };
  if (config.kind === "live") {
    const { source, kind } = config.credential;
    const read = credentialReader(source, kind);
    // A file that cannot be read ends the start.
    read();
    return {
      mode: "live",
      name: new URL(config.baseUrl).host,
      scenarios: [],
      credentialKind: (name) => kindOf(name, read().kind),
      credential: { source: source.from },
      whyNoLogin: `the hive's credential comes from ${source.name}, which comes before a log-in: restart the daemon without it, then log in`,
      dialect: anthropic,
      upstream: liveUpstream(config.baseUrl, (name) => (name === DEFAULT_CREDENTIAL ? read() : other(name))),
    };
  }
  const played: Scenario[] =
    scenarios === undefined ? [parseScenario(JSON.stringify(tour), "the built-in tour")] : readScenarios(scenarios);
  const rehearsal = rehearsalUpstream(played);
  const rehearsing = {
    mode: "rehearsal" as const,
    name: "rehearsal",
    scenarios: played.map((one) => one.name),
    credentialKind: (): Credential["kind"] => "api-key",
    dialect: anthropic,
  };
  if (config.forced)
    return {
      ...rehearsing,
      credential: { source: "rehearsal" },
      whyNoLogin: "HIVE_REHEARSAL=1 makes the hive rehearse: restart the daemon without it, then log in",
      upstream: rehearsal,
    };
  const live = liveUpstream(config.baseUrl, (name) =>
    name === DEFAULT_CREDENTIAL ? { kind: "oauth", value: stored.token() } : other(name),
  );
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
    credentialKind: (name) => kindOf(name, stored.exists ? "oauth" : "api-key"),
    get credential(): ModelLoginView {
      const { about } = stored;
      if (!stored.exists) return { source: "none" };
      return { source: "login", ...(about && { by: about.by, at: instant(about.at) }) };
    },
    whyNoLogin: undefined,
    dialect: anthropic,
    upstream: async (request) => (stored.exists || request.credential !== DEFAULT_CREDENTIAL ? live : rehearsal)(request),
  };
}

function credentialReader(source: CredentialSource, kind: Credential["kind"]): () => Credential {
  return source.from === "environment" ? () => ({ kind, value: source.value }) : () => credentialIn(source.path);
}
