// `NIXPKGS=<folder> npm run nixos-eval`: evaluates the flake's packages, checks and shells, the hosts that the template and
// the documentation show, and the systems of an agent and of the manager, with the nixpkgs of that folder. Compares the
// host's unit with the table of privileges. Needs Nix 2.18 or newer, and no network. Builds nothing.
import { deepStrictEqual } from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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

/** Pages whose first example is the flake of a host. */
const PAGES = ["README.md", "docs/nixos.md"];
/** What such a host has besides, in the `configuration.nix` that its flake names. */
const MACHINE = `{
  boot.loader.grub.enable = false;
  fileSystems."/" = {
    device = "/dev/sda1";
    fsType = "ext4";
  };
  users.users.alice.isNormalUser = true;
  system.stateVersion = "25.11";
}
`;

/** Writes the flakes of hosts that the documentation and the template show. Returns them by name, in Nix. */
async function writeExamples(folder) {
  const flakes = [];
  for (const page of PAGES) {
    const place = join(folder, String(flakes.length));
    await mkdir(place);
    const text = await readFile(join(ROOT, page), "utf8");
    const example = /^( *)```nix\n([^]*?)\n *```$/m.exec(text);
    await writeFile(join(place, "flake.nix"), example?.[2] ?? "");
    await writeFile(join(place, "configuration.nix"), MACHINE);
    flakes.push([page, place]);
  }
  const place = join(folder, "template");
  await cp(join(ROOT, "nix/template"), place, { recursive: true });
  const own = await readFile(join(place, "configuration.nix"), "utf8");
  await writeFile(join(place, "own.nix"), own);
  await writeFile(
    join(place, "configuration.nix"),
    '{ imports = [ ./own.nix ]; boot.loader.grub.enable = false; fileSystems."/" = { device = "/dev/sda1"; fsType = "ext4"; }; }\n',
  );
  flakes.push(["nix/template", place]);
  return `{ ${flakes.map(([name, where]) => `"${name}" = ${where}/flake.nix;`).join(" ")} }`;
}

/** The unit as systemd would read it: the values of its keys. */
const settingsOf = (unit) => {
  const lines = unit.split("\n").filter((line) => line.includes("="));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
};

const evaluate = (attribute, agent, examples = "{ }") =>
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
    "--arg",
    "examples",
    examples,
    "--attr",
    attribute,
  ]);

await runScript(async () => {
  if (nixpkgs === undefined) throw new Error("NIXPKGS names no folder: set it to a checkout of nixpkgs");
  const [{ NIX_TEMPLATE }, { AgentConfig }, { rightsTable }] = await Promise.all([
    import("../src/agents/template.ts"),
    import("../src/wire/config.ts"),
    import("../test/lib/rights.ts"),
  ]);
  const agent = await mkdtemp(join(tmpdir(), "agent-"));
  try {
    await writeFile(join(agent, "agent.nix"), NIX_TEMPLATE["agent.nix"]);
    await writeFile(join(agent, "agent.json"), JSON.stringify(CONFIG));
    const examples = await writeExamples(agent);
    const values = {};
    for (const attribute of ["packages", "checks", "devShells", "types", "host", "examples", "containers", "agent", "manager"]) {
      const output = await evaluate(attribute, agent, examples);
      // A warning of Nix may come before the value.
      values[attribute] = JSON.parse(output.trim().split("\n").at(-1));
      console.log(attribute, values[attribute]);
    }
    const { taken, refused } = values.types;
    if (taken.includes(false)) throw new Error(`an option refuses value ${taken.indexOf(false)} of types.taken`);
    if (refused.includes(true)) throw new Error(`an option takes value ${refused.indexOf(true)} of types.refused`);
    for (const [name, { enabled, failed }] of Object.entries(values.examples))
      if (!enabled || failed.length > 0) throw new Error(`the host of ${name} has no service: ${failed.join("; ")}`);
    const unit = settingsOf(values.host.unit);
    const row = rightsTable(await readFile(join(ROOT, "docs/security.md"), "utf8")).get("`hive-w4rden` as a service of NixOS");
    const capabilities = unit.get("CapabilityBoundingSet").toLowerCase().replaceAll("cap_", "").split(" ");
    deepStrictEqual(capabilities.sort(), row.capabilities.split(", ").sort(), "the unit's capabilities differ from the table");
    deepStrictEqual(
      ["NoNewPrivileges", "KillMode", "User", "RuntimeDirectory"].map((key) => unit.get(key)),
      ["true", "process", undefined, undefined],
    );
    console.log("the unit has the privileges that docs/security.md lists");
    deepStrictEqual(values.host.openPorts, [], "the module opens a port");
    deepStrictEqual(values.host.overlays, 0, "the host's packages have an overlay");
    if (!values.agent.hello) throw new Error("the package that an agent adds is not in its system");
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
