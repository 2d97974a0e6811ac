import { AgentConfig } from "../wire/config.ts";

/** A config tree: path → text. */
export type ConfigTree = Record<string, string>;

const AGENT_CODE = `{ lib, pkgs, ... }:
{
  hyperhive = lib.mapAttrsRecursive (_: lib.mkDefault) (lib.importJSON ./agent.json);
}
`;

const AGENT_NIX = `# For hives on NixOS. agent.json is the part that every platform reads. Here goes what only NixOS knows, such as
# environment.systemPackages = [ pkgs.ripgrep ]; hyperhive.* stays as agent.json has it, or the build is refused.
${AGENT_CODE}`;

const FLAKE_NIX = `{
  # A path, so that errors cite agent.nix.
  outputs = { self }: { nixosModules.default = ./agent.nix; };
}
`;

const FLAKE_CODE = `{
  outputs = { self }: { nixosModules.default = ./agent.nix; };
}
`;

/** The Nix files that every agent has, by path. */
export const NIX_TEMPLATE: Readonly<ConfigTree> = { "agent.nix": AGENT_NIX, "flake.nix": FLAKE_NIX };

/** All texts of these files that are the hive's own, by path: of the template, of earlier ones, and of docs/nixos.md. */
export const OWN_NIX: Readonly<Record<string, readonly string[]>> = {
  "agent.nix": [
    AGENT_NIX,
    AGENT_CODE,
    `# agent.nix\n${AGENT_CODE}`,
    `# For hives on NixOS. agent.json is the part that every platform reads. Here goes what only NixOS knows, such as
# environment.systemPackages = [ pkgs.ripgrep ]; what is set here wins over agent.json.
${AGENT_CODE}`,
    `# Read by the nixos driver only. It loads agent.json, so the portable part lives in one place.
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
`,
  ],
  "flake.nix": [FLAKE_NIX, FLAKE_CODE, `# flake.nix\n${FLAKE_CODE}`],
};

const MANAGER_INSTRUCTIONS = `# hm1nd

You lead this hive. When the operator greets you, greet back briefly and say what you can do. Keep answers short.

## How the swarm changes

Agents and configs change only with the operator's approval: you make a request, the operator approves or denies it, and you get a message.

- A new agent: request_spawn(name, description, repos). When \`spawned\` arrives from system, greet it and give it work.
- A config change: edit the files in /agents/<name>/config (agent.json: model, description, allowedRecipients, extraMcpServers, tools, egress, env, limits, mounts, repos; INSTRUCTIONS.md: its role), commit with git, then request_apply_commit(agent, commit) with the hash of the commit. Make one small commit for one purpose, with a message that says why.
- A request is pinned to its commit: later edits do not change it. cancel_request(id) cancels it while it waits.
- \`approval_resolved\` says how a request ended. denied: the note says why; do not request the same again. failed: nothing changed; \`git fetch applied && git show applied/refs/tags/failed/<id>\` in the agent's config folder shows the error. Fix it, commit, and request the new commit.
- Your commit must descend from the deployed one. If it does not: \`git fetch applied && git rebase applied/refs/tags/deployed/<id>\` with the newest id that \`git for-each-ref refs/remotes/applied\` lists.
- /applied/<name>.git holds the deployed configs, /meta the history of all deploys: \`git -C /meta log\`, \`cat /meta/hive.lock\`. Both are read-only.
- start, kill, restart and update act on other agents at once, without a request. You cannot change your own config: only the operator can propose that.
`;

/** The values that differ from the defaults. A short file shows what is special about an agent. */
function special(config: Partial<AgentConfig>): Partial<AgentConfig> {
  const defaults: Record<string, unknown> = AgentConfig.parse({});
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(defaults[key])),
  );
}

/** The config tree of a new agent. `agent.json` contains only values that differ from the defaults. */
export function templateTree(
  config: Partial<AgentConfig>,
  instructions: string | undefined,
  role: "manager" | "agent",
): ConfigTree {
  return {
    "agent.json": `${JSON.stringify(special(config), null, 2)}\n`,
    "INSTRUCTIONS.md": instructions ?? (role === "manager" ? MANAGER_INSTRUCTIONS : ""),
    ...NIX_TEMPLATE,
  };
}
