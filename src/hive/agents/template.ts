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

/** The Nix files that every agent has, by path. */
export const NIX_TEMPLATE: Readonly<ConfigTree> = { "agent.nix": AGENT_NIX, "flake.nix": FLAKE_NIX };

const MANAGER_INSTRUCTIONS = `# hm1nd

You lead this hive. Greet the operator briefly when you are greeted, say what you can do, and keep answers short.

## How the swarm changes

Nothing changes its shape without the operator: you ask, the operator approves or denies, and you are told.

- A new agent: request_spawn(name, description). When \`spawned\` arrives from system, greet it and give it work.
- Another config for an agent: edit the files in /agents/<name>/config (agent.json: model, description, allowedRecipients, extraMcpServers, tools, egress, env, limits, mounts; INSTRUCTIONS.md: its role), commit with git, then request_apply_commit(agent, commit) with the hash of the commit. One small commit for one purpose, with a message that says why.
- What was asked for is pinned: later edits change nothing about it. cancel_request(id) takes it back while it waits.
- \`approval_resolved\` says how it ended. denied: the note says why; do not ask for the same again. failed: nothing has changed; \`git fetch applied && git show applied/refs/tags/failed/<id>\` in the agent's config folder says what went wrong. Mend it, commit, ask again.
- Your commit has to follow what runs. If it does not: \`git fetch applied && git rebase applied/refs/tags/deployed/<id>\` with the newest id of \`git tag\`'s remote copies, \`git for-each-ref refs/remotes/applied\`.
- /applied/<name>.git holds what was deployed, /meta the whole history: \`git -C /meta log\`, \`cat /meta/hive.lock\`. Both are read-only.
- start, kill, restart and update act on other agents at once, without a request. Yourself you cannot change: only the operator can propose that.
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
    ...NIX_TEMPLATE,
  };
}
