// `NIXPKGS=<folder> npm run nixos-eval`: evaluates the flake's packages, checks and shells, the template's host, and the
// systems of an agent and of the manager, with the nixpkgs of that folder. Needs Nix 2.18 or newer, and no network.
// Builds nothing.
import { deepStrictEqual } from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, exec } from "./lib.mjs";
import { runScript } from "./setup.mjs";

const nixpkgs = process.env.NIXPKGS;
/** A config with a value of every kind, and what differs from the defaults. */
const CONFIG = {
  model: "haiku",
  allowedRecipients: ["scribe"],
  tools: { deny: ["Bash"] },
  env: { TZ: "UTC" },
  limits: { pids: 64 },
  mounts: [{ host: "/srv/corpus", cage: "/corpus" }],
  repos: [
    { name: "web", project: true },
    { name: "docs", access: "read" },
  ],
  extraMcpServers: { notes: { command: "notes", args: ["--all"] } },
};

/** Wrong options of an agent or a host, with what the error has to name. */
const WRONG = {
  misspelled: [/dashbordPort/, /dashboardPort/],
  misspelledOfAgent: [/hyperhive\.modle/, /hyperhive\.model'/],
  mistyped: [/hyperhive\.limits\.pids/, /integer between 32 and 100000/],
};

const evaluate = (attribute, agent) =>
  exec("nix-instantiate", [
    "--eval",
    "--strict",
    "--json",
    join(ROOT, "nix/eval.nix"),
    "--arg",
    "nixpkgs",
    nixpkgs,
    "--arg",
    "agentNix",
    join(agent, "agent.nix"),
    "--attr",
    attribute,
  ]);

await runScript(async () => {
  if (nixpkgs === undefined) throw new Error("NIXPKGS names no folder: set it to a checkout of nixpkgs");
  const [{ NIX_TEMPLATE }, { AgentConfig }] = await Promise.all([
    import("../src/agents/template.ts"),
    import("../src/wire/config.ts"),
  ]);
  const agent = await mkdtemp(join(tmpdir(), "agent-"));
  try {
    await writeFile(join(agent, "agent.nix"), NIX_TEMPLATE["agent.nix"]);
    await writeFile(join(agent, "agent.json"), JSON.stringify(CONFIG));
    const values = {};
    for (const attribute of ["packages", "checks", "devShells", "host", "containers", "agent", "manager"]) {
      const output = await evaluate(attribute, agent);
      // A warning of Nix may come before the value.
      values[attribute] = JSON.parse(output.trim().split("\n").at(-1));
      console.log(attribute, values[attribute]);
    }
    if (!values.containers.template) throw new Error("a host with containers has no unit of containers");
    if (!/HIVE_FLAKE_INPUTS=nixpkgs=\//.test(values.containers.unit)) throw new Error("the unit does not name nixpkgs");
    const added = { matrix: { command: "matrix-bridge" } };
    const wanted = AgentConfig.parse({ ...CONFIG, extraMcpServers: { ...CONFIG.extraMcpServers, ...added } });
    deepStrictEqual(AgentConfig.parse(values.agent.agentJson), wanted, "the agent's options differ from its agent.json");
    console.log("the options of an agent have the values of its agent.json, and what its agent.nix adds");
    for (const [attribute, words] of Object.entries(WRONG)) {
      const said = await evaluate(attribute, agent).then(
        () => "it was accepted",
        (error) => error.message,
      );
      for (const one of words) if (!one.test(said)) throw new Error(`${attribute}: the error does not say ${one}:\n${said}`);
    }
    console.log("a wrong name or type of an option names the one that was meant");
  } finally {
    await rm(agent, { recursive: true, force: true });
  }
});
