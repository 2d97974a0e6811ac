import { lookup } from "node:dns/promises";
import type { Swarm } from "../agents/swarm.ts";
import { isPublicAddress } from "../gateway/egress/address.ts";
import { Gateway } from "../gateway/gateway.ts";
import type { ModelProxyDeps } from "../gateway/model/proxy.ts";
import type { Turnstile } from "../policy/turnstile.ts";
import type { EgressRecords } from "./egress-records.ts";
import type { Web } from "./egress-socket.ts";
import type { ModelUse } from "./model-use.ts";
import type { Secrets } from "./secrets/secrets.ts";

export interface GatewayDeps extends Pick<ModelProxyDeps, "dialect" | "upstream" | "prices"> {
  agents: Pick<Swarm, "byId">;
  secrets: Pick<Secrets, "forDoor">;
  /** The name of the credential for an agent's requests. Throws if it is missing. */
  credentialOf(agentId: string): string;
  modelUse: Pick<ModelUse, "add" | "signal">;
  turnstile: Pick<Turnstile, "enter">;
  egressRecords: Pick<EgressRecords, "record">;
  web: Web;
  onUnexpected(error: unknown): void;
}

/** How the web is reached: names are resolved by this host, and only public addresses count. */
export const theWeb: Web = {
  resolve: async (host) => (await lookup(host, { all: true })).map((found) => found.address),
  isPublic: isPublicAddress,
};

/** Opens the gateway with what the agents' configs grant. An agent that no longer exists reaches nothing. */
export function openGateway(deps: GatewayDeps): Gateway {
  const { dialect, upstream, prices, agents, secrets, credentialOf, modelUse, turnstile, egressRecords, web, onUnexpected } =
    deps;
  return new Gateway({
    model: {
      dialect,
      upstream,
      modelsOf: (id) => agents.byId(id)?.models ?? [],
      credentialOf,
      prices,
      enter: (id, model, gone) => turnstile.enter(id, model, gone),
      onUsage: (used) => modelUse.add(used),
      onSignal: (signal) => modelUse.signal(signal),
      onUnexpected,
    },
    egress: {
      hostsOf: (id) => agents.byId(id)?.config.egress ?? [],
      doors: {
        apisOf: (id) => agents.byId(id)?.config.apis ?? {},
        secret: (name) => secrets.forDoor(name),
      },
      ...web,
      onRecord: (record) => void egressRecords.record(record).catch(onUnexpected),
    },
  });
}
