import { readFileSync } from "node:fs";
import { liveUpstream, type Credential } from "../gateway/anthropic/live.ts";
import type { Dialect, Upstream } from "../gateway/model/dialect.ts";
import { anthropic } from "../gateway/anthropic/dialect.ts";
import { rehearsalUpstream } from "../gateway/anthropic/rehearsal/rehearsal.ts";
import { parseScenario, readScenarios, type Scenario } from "../gateway/anthropic/rehearsal/scenario.ts";
import { HiveError } from "../wire/error.ts";
import tour from "../../dev/scenarios/tour.json" with { type: "json" };
import type { Config, CredentialSource } from "./config.ts";

/** How the hive reaches a model, and how that is shown. */
export interface ModelAccess {
  mode: "rehearsal" | "live";
  /** A name to show: a host, never a credential. */
  name: string;
  scenarios: string[];
  /** The kind of placeholder credential in cages. */
  credentialKind: "api-key" | "oauth";
  dialect: Dialect;
  upstream: Upstream;
}

/** The name of the built-in scenario. */
export const TOUR = tour.name;
/** The prefix of OAuth tokens. */
const OAUTH_PREFIX = "sk-ant-oat";

/** Opens the model access. Throws an error that names the file if a scenario or a credential cannot be read. */
export function openModelAccess(config: Config["upstream"], scenarios: string | undefined): ModelAccess {
  if (config.kind === "live") {
    const read = credentialReader(config.credential.source, config.credential.kind);
    return {
      mode: "live",
      name: new URL(config.baseUrl).host,
      scenarios: [],
      credentialKind: read().kind,
      dialect: anthropic,
      upstream: liveUpstream(config.baseUrl, read),
    };
  }
  const played: Scenario[] =
    scenarios === undefined ? [parseScenario(JSON.stringify(tour), "the built-in tour")] : readScenarios(scenarios);
  return {
    mode: "rehearsal",
    name: "rehearsal",
    scenarios: played.map((one) => one.name),
    credentialKind: "api-key",
    dialect: anthropic,
    upstream: rehearsalUpstream(played),
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
