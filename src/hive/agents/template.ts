import { AgentConfig } from "../../wire/config.ts";

/** A config tree: path → text. */
export type ConfigTree = Record<string, string>;

const AGENT_NIX = `# Read by the nixos driver only. It loads agent.json, so the portable part lives in one place.
{ lib, ... }:
let
  agent = builtins.fromJSON (builtins.readFile ./agent.json);
in
{
  hyperhive = {
    model = lib.mkDefault (agent.model or "sonnet");
    allowedRecipients = lib.mkDefault (agent.allowedRecipients or null);
    extraMcpServers = lib.mkDefault (agent.extraMcpServers or { });
    egress = lib.mkDefault (agent.egress or [ ]);
  };
}
`;

const FLAKE_NIX = `{
  # A path, so that errors cite agent.nix.
  outputs = { self }: { nixosModules.default = ./agent.nix; };
}
`;

const MANAGER_INSTRUCTIONS = `# hm1nd

You lead this hive. Greet the operator briefly when you are greeted, say what you can do, and keep answers short.
`;

/** What differs from the defaults: a short file says what is special about an agent. */
function special(config: Partial<AgentConfig>): Partial<AgentConfig> {
  const defaults: Record<string, unknown> = AgentConfig.parse({});
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(defaults[key])),
  );
}

/** The config tree that a new agent starts with. Only what differs from the defaults is written into agent.json. */
export function templateTree(
  config: Partial<AgentConfig>,
  instructions: string | undefined,
  role: "manager" | "agent",
): ConfigTree {
  return {
    "agent.json": `${JSON.stringify(special(config), null, 2)}\n`,
    "INSTRUCTIONS.md": instructions ?? (role === "manager" ? MANAGER_INSTRUCTIONS : ""),
    "agent.nix": AGENT_NIX,
    "flake.nix": FLAKE_NIX,
  };
}
