import { MANAGER } from "../../wire/names.ts";

/** What the flake of a hive is made of. */
export interface MetaFlakeFacts {
  /** The names of its agents. */
  agents: readonly string[];
  /** The folder of the applied repositories. */
  applied: string;
  /** The address of hyperhive's flake. */
  hyperhive: string;
  /** Addresses of inputs of hyperhive's flake, by name, that replace those it names itself. */
  inputs?: Readonly<Record<string, string>>;
  /** Nix's name of this machine. */
  system: string;
}

/** The input of an agent: its name in the lock, too. */
export const inputOf = (agent: string): string => `agent-${agent}`;

/** The address of an agent's input: what its applied repository has on main. */
export const inputUrl = (applied: string, agent: string): string => `git+file://${encodeURI(applied)}/${agent}.git?ref=main`;

/** The line of `flake.nix` that names an agent's input. */
export const inputLine = (applied: string, agent: string): string =>
  `    ${inputOf(agent)}.url = ${nixString(inputUrl(applied, agent))};\n`;

/**
 * The text of `flake.nix`: an input and a system for each agent. It changes only when an agent is made or removed; a
 * deploy changes `flake.lock`.
 */
export function metaFlake({ agents, applied, hyperhive, inputs: replaced = {}, system }: MetaFlakeFacts): string {
  const names = [...agents].sort();
  const own = Object.entries(replaced)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, url]) => `    hyperhive.inputs.${name}.url = ${nixString(url)};\n`);
  const inputs = names.map((name) => inputLine(applied, name));
  const systems = names.map(
    (name) =>
      `      ${name} = hyperhive.lib.agentSystem {\n` +
      `        name = "${name}";\n` +
      `        role = "${name === MANAGER ? "manager" : "agent"}";\n` +
      `        system = "${system}";\n` +
      `        module = inputs.${inputOf(name)}.nixosModules.default;\n` +
      `      };\n`,
  );
  return `# Written by hyperhive. An agent changes by a request that the operator approves, and no other way.
{
  description = "The agents of a hive";

  inputs = {
    hyperhive.url = ${nixString(hyperhive)};
${own.join("")}${inputs.join("")}  };

  outputs = { self, hyperhive, ... }@inputs: {
    nixosConfigurations = {
${systems.join("")}    };
  };
}
`;
}

/** A string as Nix writes it: nothing in it is an expression. */
function nixString(text: string): string {
  return JSON.stringify(text).replaceAll("${", "\\${");
}
