import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { NIX_TEMPLATE } from "../src/agents/template.ts";
import { SETTINGS, readConfig, type Config } from "../src/daemon/config.ts";
import { USER } from "../src/w4rden/options.ts";
import {
  CheckOn,
  DEFAULT_REPO_SETTINGS,
  DeclaredRepos,
  MergeMethod,
  MergePolicy,
  PushRule,
  RepoSettings,
} from "../src/wire/work.ts";
import { z } from "zod";
import { AgentConfig } from "../src/wire/config.ts";
import { secretOfCredential } from "../src/wire/secrets.ts";
import { hostUnit, nixFiles, nixValue } from "./lib/nix.ts";
import { rightsTable } from "./lib/rights.ts";

/** The Nix code, evaluated by the real Nix. It needs no nixpkgs here: what does is evaluated by `nix flake check`. */

const ROOT = join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

interface Locked {
  version: string;
  integrity: string;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optional?: boolean;
}
const { packages: locked } = JSON.parse(read("package-lock.json")) as { packages: Record<string, Locked> };

interface Npm {
  packages: { path: string; name: string; version: string; integrity: string; address: string }[];
  programs: { name: string; path: string }[];
}
const npm = (cpu: string, libc = "glibc", without: string[] = []): Npm =>
  nixValue(
    `import ./nix/npm.nix { lock = builtins.fromJSON (builtins.readFile ./package-lock.json); os = "linux"; cpu = "${cpu}"; libc = "${libc}"; without = builtins.fromJSON ''${JSON.stringify(without)}''; }`,
  ) as Npm;

test("Nix parses every Nix file", () => {
  const files = nixFiles();
  expect(files).toContain("flake.nix");
  expect(() => execFileSync("nix-instantiate", ["--parse", ...files], { cwd: ROOT, stdio: "pipe" })).not.toThrow();
});

test("Nix files are indented as nixfmt does it, which only `nix flake check` has", () => {
  for (const file of nixFiles()) {
    const text = read(file);
    expect(text.endsWith("\n") && !text.endsWith("\n\n"), file).toBe(true);
    const wrong = text.split("\n").filter((line) => /\t|\s$/.test(line) || (/^ */.exec(line)?.[0].length ?? 0) % 2 > 0);
    expect(wrong, file).toEqual([]);
  }
});

describe("the packages that the Nix package fetches", () => {
  test.each(["x64", "arm64"])("on %s have the hashes of the lock, and addresses of names and versions", (cpu) => {
    const { packages } = npm(cpu);
    expect(packages.length).toBeGreaterThan(200);
    for (const { path, name, version, integrity, address } of packages) {
      expect(path.endsWith(`node_modules/${name}`), path).toBe(true);
      expect({ version, integrity }).toEqual({ version: locked[path]?.version, integrity: locked[path]?.integrity });
      expect(address).toBe(`${name}/-/${name.replace(/^@[^/]*\//, "")}-${version}.tgz`);
    }
  });

  test.each([
    ["x64", "glibc", "@rolldown/binding-linux-x64-gnu"],
    ["arm64", "glibc", "@rolldown/binding-linux-arm64-gnu"],
    ["x64", "musl", "@rolldown/binding-linux-x64-musl"],
  ])("on %s with %s are those of the platform", (cpu, libc, own) => {
    const names = npm(cpu, libc).packages.map(({ name }) => name);
    expect(new Set(names.filter((name) => name.startsWith("@rolldown/binding-")))).toEqual(new Set([own]));
    const paths = npm(cpu, libc).packages.map(({ path }) => path);
    for (const path of paths) {
      const inside = path.lastIndexOf("/node_modules/");
      if (inside > 0) expect(paths, path).toContain(path.slice(0, inside));
    }
    for (const name of names) expect(locked[`node_modules/${name}`]?.os ?? ["linux"], name).toContain("linux");
  });

  test("include all that npm installs here; only what an optional package of another platform needs is besides", () => {
    const { packages: installed } = JSON.parse(read("node_modules/.package-lock.json")) as { packages: Record<string, unknown> };
    const paths = npm(process.arch).packages.map(({ path }) => path);
    expect(Object.keys(installed).filter((path) => !paths.includes(path))).toEqual([]);
    for (const path of paths.filter((one) => !(one in installed))) expect(locked[path], path).toMatchObject({ optional: true });
  });

  test("are not those that are left out", () => {
    const cli = "@anthropic-ai/claude-agent-sdk-linux-x64";
    expect(npm("x64").packages.map(({ name }) => name)).toContain(cli);
    expect(npm("x64", "glibc", [cli]).packages.map(({ name }) => name)).not.toContain(cli);
  });

  test("have the programs that npm links", () => {
    const modules = join(ROOT, "node_modules");
    const linked = readdirSync(join(modules, ".bin")).map((name) => [name, realpathSync(join(modules, ".bin", name))] as const);
    const { programs } = npm(process.arch);
    expect(new Map(programs.map(({ name, path }) => [name, join(modules, path)]))).toEqual(new Map(linked));
  });
});

test("the Nix package has every source of the build", () => {
  const files = Array.from(read("nix/package.nix").matchAll(/^ {6}\.\.\/(\S+)$/gm), ([, path = ""]) => path);
  const sources = /const SOURCES = \[([^\]]*)\]/.exec(read("scripts/build.mjs"))?.[1]?.match(/[^\s",]+/g) ?? [];
  expect(sources.length).toBeGreaterThan(3);
  for (const source of sources)
    expect(
      files.some((one) => source === one || source.startsWith(`${one}/`)),
      source,
    ).toBe(true);
});

test("what the Nix package replaces is in the source, once", () => {
  const replaced = Array.from(
    read("nix/package.nix").matchAll(/substituteInPlace (\S+) \\\s+--replace-fail '([^']+)'/g),
    ([, file = "", text = ""]) => ({ file, text }),
  );
  expect(replaced).not.toEqual([]);
  for (const { file, text } of replaced) expect(read(file).split(text), file).toHaveLength(2);
});

test("the flake has its outputs for each system", () => {
  const systems = ["aarch64-linux", "x86_64-linux"];
  const outputs = nixValue(
    `let
      lib.genAttrs = names: f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) names);
      outputs = (import ./flake.nix).outputs { self = outputs; nixpkgs = { inherit lib; }; };
    in builtins.mapAttrs (_: builtins.attrNames) outputs`,
  );
  expect(outputs).toEqual({
    packages: systems,
    checks: systems,
    formatter: systems,
    devShells: systems,
    lib: ["agentSystem"],
    nixosModules: ["agent-base", "default", "harness-base", "hive-c0re", "manager"],
    templates: ["default"],
  });
});

describe("the service of the host module", () => {
  const unit = hostUnit();
  const configOf = (values: string): Config => readConfig(hostUnit(values).environment, { foreground: false });

  test("has the documented privileges", () => {
    const row = rightsTable(read("docs/security.md")).get("`hive-w4rden` as a service of NixOS");
    const capabilities = String(unit.serviceConfig["CapabilityBoundingSet"]).toLowerCase().replaceAll("cap_", "").split(" ");
    expect(new Set(capabilities)).toEqual(new Set(row?.capabilities.split(", ")));
    expect(unit.serviceConfig["NoNewPrivileges"] === true ? "yes" : "no").toBe(row?.noNewPrivs);
    // The helper needs root; the daemon's user is the helper's own default.
    expect(unit.serviceConfig).not.toHaveProperty("User");
    expect(read("nix/modules/hive-c0re/default.nix")).toContain(`users.users.${USER} =`);
  });

  test("touches no cage when it restarts", () => {
    expect(unit.serviceConfig["KillMode"]).toBe("process");
    // Systemd would remove the folder of sockets, or give it to root.
    expect(unit.serviceConfig).not.toHaveProperty("RuntimeDirectory");
    expect(unit.serviceConfig["ExecStart"]).toBe("/nix/store/hyperhive/bin/hive-w4rden start -- serve");
  });

  test.each(["ProtectKernelTunables", "ProtectKernelLogs", "ProtectProc", "ProcSubset", "ProtectHostname", "RestrictNamespaces"])(
    "does not set %s, with which no cage can be built",
    (name) => expect(unit.serviceConfig).not.toHaveProperty(name),
  );

  test.each<[string, (config: Config) => unknown, unknown]>([
    ["{ }", ({ port }) => port, 7000],
    ["{ }", ({ stateDir }) => stateDir, "/var/lib/hyperhive"],
    ["{ }", ({ runDir }) => runDir, "/run/hyperhive"],
    ["{ }", ({ autoUpdate }) => autoUpdate, true],
    ["{ dashboardPort = 7100; }", ({ port, agentPortBase }) => [port, agentPortBase], [7100, 8100]],
    ['{ stateDir = "/srv/hive"; }', ({ stateDir }) => stateDir, "/srv/hive"],
    ['{ bindAddress = "10.0.0.2"; behindProxy = true; }', ({ bind }) => bind, "10.0.0.2"],
    ['{ publicUrl = "https://hive.example"; }', ({ publicUrl }) => publicUrl?.origin, "https://hive.example"],
    ["{ }", ({ operatorPronouns }) => operatorPronouns, "she/her"],
    ['{ operatorPronouns = "they/them"; }', ({ operatorPronouns }) => operatorPronouns, "they/them"],
    ['{ modelUpstream = "https://m.example"; }', ({ upstream }) => upstream.baseUrl, "https://m.example"],
    ["{ autoUpdate = false; }", ({ autoUpdate }) => autoUpdate, false],
    ["{ }", ({ driver, flake }) => [driver, flake], ["bwrap", undefined]],
    ['{ flakeInput.hyperhive = "/nix/store/h"; }', ({ flake }) => flake, { folder: "/nix/store/h", inputs: {} }],
    [
      '{ driver = "nixos-container"; flakeInput = { hyperhive = "/nix/store/h"; nixpkgs = "/nix/store/n"; }; }',
      ({ driver, flake }) => [driver, flake],
      ["nixos-container", { folder: "/nix/store/h", inputs: { nixpkgs: "/nix/store/n" } }],
    ],
    ['{ settings.HIVE_MAX_HOPS = "7"; }', ({ maxHops }) => maxHops, 7],
  ])("with %s the daemon has what the option says", (values, of, expected) => expect(of(configOf(values))).toEqual(expected));

  test("sets settings of the daemon only", () => {
    const all = hostUnit('{ publicUrl = "https://h.example"; modelUpstream = "https://m.example"; }').environment;
    for (const name of Object.keys(all)) expect(SETTINGS).toContain(name);
  });

  test("passes the credential under the name that the daemon reads", () => {
    const { serviceConfig } = hostUnit('{ credentialFile = "/run/secrets/key"; }');
    const [name, file] = String(serviceConfig["LoadCredential"]).split(":");
    expect(file).toBe("/run/secrets/key");
    const { upstream } = readConfig({ ...unit.environment, CREDENTIALS_DIRECTORY: "/run/credentials" }, { foreground: false });
    expect(upstream).toMatchObject({ credential: { source: { path: `/run/credentials/${name}` } } });
    expect(unit.serviceConfig).not.toHaveProperty("LoadCredential");
  });

  test("passes secrets under the names that the daemon reads, and refuses what is no name of one", () => {
    const { serviceConfig } = hostUnit('{ secretFiles = { GH = "/run/secrets/gh"; NPM_TOKEN = "/run/secrets/npm"; }; }');
    const all = serviceConfig["LoadCredential"] as string[];
    expect(all.map((one) => [secretOfCredential(one.split(":")[0] ?? ""), one.split(":")[1]])).toEqual([
      ["GH", "/run/secrets/gh"],
      ["NPM_TOKEN", "/run/secrets/npm"],
    ]);
    const { assertions } = hostUnit('{ secretFiles = { gh = "/run/secrets/gh"; }; }');
    expect(assertions.filter(({ assertion }) => !assertion).map(({ message }) => message)).toEqual([
      expect.stringContaining("secretFiles.gh: a secret's name is A-Z"),
    ]);
  });

  test("limits the slice in which the daemon and its cages are", () => {
    const limits = '{ limits = { memoryMax = "24G"; cpuQuota = "600%"; tasksMax = 8192; }; }';
    expect(hostUnit(limits).sliceConfig).toEqual({ MemoryMax: "24G", CPUQuota: "600%", TasksMax: 8192 });
    expect(unit.sliceConfig).toEqual({});
    expect(read("nix/modules/hive-c0re/default.nix")).toContain("systemd.slices.hyperhive =");
    expect(read("src/os/delegate.ts")).toContain('const SLICE = "hyperhive.slice"');
  });

  test.each([
    ['{ bindAddress = "0.0.0.0"; }', "would serve the dashboard unencrypted"],
    ['{ bindAddress = "127.0.0.1.example"; }', "would serve the dashboard unencrypted"],
    ['{ bindAddress = "0.0.0.0"; publicUrl = "http://h.example"; }', "would serve the dashboard unencrypted"],
    ['{ settings.HIVE_PORT = "1"; }', "another option of services.hive-c0re sets this variable"],
    ['{ settings.HIVE_UPSTREAM_URL = "https://m.example"; }', "another option of services.hive-c0re sets this variable"],
    ['{ settings.PATH = "/bin"; }', "begin with HIVE_"],
    ['{ settings.HIVE_FLAKE = "/a"; }', "another option of services.hive-c0re sets this variable"],
    ['{ driver = "nixos-container"; }', "needs services.hive-c0re.flakeInput.hyperhive"],
  ])("%s is refused when the system is built", (values, words) => {
    const failed = hostUnit(values).assertions.filter(({ assertion }) => !assertion);
    expect(failed.map(({ message }) => message)).toEqual([expect.stringContaining(words)]);
  });

  test.each(["{ }", '{ bindAddress = "::1"; }', '{ bindAddress = "0.0.0.0"; publicUrl = "https://h.example"; }'])(
    "%s is accepted, by the daemon too",
    (values) => {
      expect(hostUnit(values).assertions.filter(({ assertion }) => !assertion)).toEqual([]);
      expect(() => configOf(values)).not.toThrow();
    },
  );
});

describe("a declared repository", () => {
  const file = "import ./nix/docs/options.nix { file = ./nix/modules/hive-c0re/repository.nix; }";
  const { options, defaults } = nixValue(file) as { options: { name: string; type: string }[]; defaults: object };

  test("has the settings of the daemon, with their defaults", () => {
    expect(defaults).toEqual({ create: true, base: "main", ...DEFAULT_REPO_SETTINGS });
    expect(options.map(({ name }) => name)).toEqual(expect.arrayContaining(["create", ...Object.keys(RepoSettings.shape)]));
  });

  test.each([
    ["merge", MergeMethod],
    ["policy", MergePolicy],
    ["push", PushRule],
    ["check_on", CheckOn],
  ] as const)("has the values of %s that the daemon knows", (name, { options: values }) => {
    const { type } = options.find((one) => one.name === name) ?? {};
    expect(type).toBe(`one of ${values.map((value) => JSON.stringify(value)).join(", ")}`);
  });

  test("is written to the file that the daemon reads", () => {
    const values = `{ repositories.web = (${file}).defaults // { check = "make"; }; }`;
    const { environment, repositories } = hostUnit(values);
    expect(readConfig(environment, { foreground: false }).repositoriesFile).toMatch(/-hyperhive-repositories\.json$/);
    expect(DeclaredRepos.parse({ source: "x", repositories }).repositories["web"]).toEqual({ ...defaults, check: "make" });
    expect(hostUnit().environment).not.toHaveProperty("HIVE_REPOSITORIES");
  });
});

describe("the options of an agent", () => {
  const file = "import ./nix/docs/options.nix { file = ./nix/modules/agent/options.nix; }";
  const { options, defaults } = nixValue(file) as {
    options: { name: string; type: string; default?: unknown }[];
    defaults: object;
  };

  test("are the keys of agent.json with their types, ranges and values", () => {
    const types = new Map(options.map(({ name, type }) => [name, type]));
    expect(types).toEqual(new Map(optionsOf(z.toJSONSchema(AgentConfig, { io: "input" }) as Schema)));
  });

  test("have the defaults of agent.json, of its lists and sets too", () => {
    expect(agentJson(defaults)).toEqual(AgentConfig.parse({}));
    const given = { repos: [{ name: "web" }], mounts: [{ host: "/a", cage: "/b" }], extraMcpServers: { x: { command: "y" } } };
    const filled = {
      repos: [{ ...defaultsBelow("repos.*."), ...given.repos[0] }],
      mounts: [{ ...defaultsBelow("mounts.*."), ...given.mounts[0] }],
      extraMcpServers: { x: { ...defaultsBelow("extraMcpServers.*."), ...given.extraMcpServers.x } },
    };
    expect(agentJson({ ...defaults, ...filled })).toEqual(AgentConfig.parse(given));
  });

  test("are loaded from agent.json by the agent.nix that every agent begins with", () => {
    expect(NIX_TEMPLATE["agent.nix"]).toContain("lib.mapAttrsRecursive (_: lib.mkDefault) (lib.importJSON ./agent.json)");
  });

  /** The values as the daemon would read them. */
  const agentJson = (values: object): unknown =>
    nixValue(
      `import ./nix/modules/agent/agent-json.nix { cfg = builtins.fromJSON ${JSON.stringify(JSON.stringify(values)).replaceAll("${", "\\${")}; }`,
    );

  const defaultsBelow = (prefix: string): object =>
    Object.fromEntries(
      options.flatMap(({ name, ...option }) =>
        name.startsWith(prefix) && "default" in option ? [[name.slice(prefix.length), option.default]] : [],
      ),
    );
});

/** What the JSON schema of a config says of one value. */
interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | false;
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  default?: unknown;
  required?: string[];
}

/** The options that a schema has in Nix, as [name, type]. A key without a value and without a default is null. */
function optionsOf({ properties = {}, required = [] }: Schema, prefix = ""): [string, string][] {
  return Object.entries(properties).flatMap(([key, schema]): [string, string][] => {
    const name = prefix + key;
    const below = elementOf(schema);
    if (schema.properties) return optionsOf(schema, `${name}.`);
    const type = schema.default === undefined && !required.includes(key) ? `null or ${typeOf(schema)}` : typeOf(schema);
    return [[name, type], ...(below?.properties ? optionsOf(below, `${name}.*.`) : [])];
  });
}

const elementOf = ({ items, additionalProperties }: Schema): Schema | undefined => items ?? (additionalProperties || undefined);

function typeOf(schema: Schema): string {
  const values = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (values) return `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`;
  const below = elementOf(schema);
  const element = below && (below.properties ? "submodule" : typeOf(below));
  if (schema.type === "array") return `list of ${element}`;
  if (schema.type === "object") return `attribute set of ${element}`;
  if (schema.type === "number") return `number from ${schema.minimum} to ${schema.maximum}`;
  if (schema.type === "integer") return `integer from ${schema.minimum} to ${schema.maximum}`;
  return schema.type ?? "unknown";
}

test("docs/nixos.md lists the options, as `npm run nix-options` draws them", () => {
  const script = join(ROOT, "scripts/nix-options.mjs");
  expect(execFileSync(process.execPath, [script, "--print"], { encoding: "utf8" })).toBe(read("docs/nixos.md"));
});
