import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NIX_TEMPLATE } from "../../src/agents/template.ts";
import { nixosPlatform } from "../../src/platforms/nixos/platform.ts";
import { systemOf } from "../../src/platforms/nixos/system-link.ts";
import { startNixDaemon } from "./nix-daemon.ts";
import { openTestSystem, type TestSystem } from "./system.ts";
import { NIX_LIB } from "./nix-lib.ts";

/** A system is what the module of the agent writes into a file. It has the agent's config, as the real one has. */
const HYPERHIVE = `{
  inputs.words.url = "path:/nonexistent";
  outputs = { self, words }: {
    lib.agentSystem = { name, role, system, module }: let
      ${NIX_LIB}
      made = import module { inherit lib; pkgs = { }; };
    in {
      config.system.build = {
        agentJson = made.hyperhive;
        toplevel = derivation {
          inherit name system;
          builder = "/bin/sh";
          args = [ "-c" (made.script or "echo \${words.said} \${name} > $out") ];
        };
      };
    };
  };
}
`;

/**
 * A hive on the platform of NixOS hosts in this process, with the real ledger, the real Nix and its real daemon in a store
 * of the test. A small flake is in place of hyperhive's, and cages confirm without a process.
 */
export class NixosHive {
  readonly top: string;
  readonly #daemon: Awaited<ReturnType<typeof startNixDaemon>>;
  system!: TestSystem;

  private constructor(top: string, daemon: Awaited<ReturnType<typeof startNixDaemon>>) {
    this.top = top;
    this.#daemon = daemon;
  }

  static async start(failpoint?: (name: string) => Promise<void>): Promise<NixosHive> {
    const hive = await NixosHive.place();
    await hive.open(failpoint);
    return hive;
  }

  /** The place of a hive that is not opened yet, with the daemon of Nix. */
  static async place(): Promise<NixosHive> {
    const top = realpathSync(mkdtempSync(join(tmpdir(), "nixos-")));
    for (const name of ["hyperhive", "words", "hive", "nix"]) mkdirSync(join(top, name));
    writeFileSync(join(top, "hyperhive/flake.nix"), HYPERHIVE);
    writeFileSync(join(top, "words/flake.nix"), '{ outputs = { self }: { said = "the system of"; }; }\n');
    return new NixosHive(top, await startNixDaemon(join(top, "nix")));
  }

  /** The folder of the hive. */
  get folder(): string {
    return join(this.top, "hive");
  }

  /** The folder of Nix's store. */
  get store(): string {
    return this.#daemon.store.folder;
  }

  /** Opens the hive in a folder, as the next daemon. */
  async open(failpoint?: (name: string) => Promise<void>, folder = this.folder): Promise<void> {
    const { driver: _driver, ...platform } = this.#platform(folder);
    const settings = { HIVE_DRIVER: "nixos-container", HIVE_FLAKE: join(this.top, "hyperhive") };
    const move = { platform: this.#platform(folder), host: async () => ({ problems: [], warnings: [] }) };
    this.system = await openTestSystem({ folder, settings, platform, move, ...(failpoint ? { failpoint } : {}) });
  }

  /** Opens a hive of bubblewrap in a folder, which could move to the platform of NixOS hosts. */
  async openBubblewrap(folder: string, problems: string[] = []): Promise<void> {
    const move = { platform: this.#platform(folder), host: async () => ({ problems, warnings: [] }) };
    this.system = await openTestSystem({ folder, move });
  }

  #platform(folder: string) {
    const state = join(folder, "s");
    const paths = { meta: join(state, "meta"), applied: join(state, "applied"), scratch: join(state, "scratch") };
    const flake = { folder: join(this.top, "hyperhive"), inputs: { words: join(this.top, "words") } };
    return nixosPlatform({ hiveId: "b0b0b0b0", paths, flake, store: this.#daemon.store });
  }

  async stop(): Promise<void> {
    await this.system.close();
    await this.#daemon.stop();
    rmSync(this.top, { recursive: true, force: true });
  }

  async spawn(name: string): Promise<void> {
    const { id } = await this.system.requests.spawn({ name, by: "operator", origin: "spawn" });
    await this.system.through(id);
  }
  propose(agent: string, files: Record<string, string>) {
    const tree = Object.entries({ "agent.json": "{}", ...NIX_TEMPLATE, ...files });
    return this.system.requests.proposeFiles({
      agent,
      files: tree.map(([path, text]) => ({ path, mode: "100644", base64: Buffer.from(text).toString("base64") })),
      by: "operator",
    });
  }
  /** Deploys a config of an agent. Resolves with the row of the request when it has ended. */
  async deploy(agent: string, files: Record<string, string>) {
    const { decisions, deploys, requestStore } = this.system;
    const { id } = await this.propose(agent, files);
    if (requestStore.get(id).state !== "pending") return requestStore.get(id);
    await decisions.approve(id, {}, { by: "operator", digestNeeded: false });
    return deploys.finished(id);
  }

  generations(name: string): string {
    const { paths, swarm } = this.system;
    return join(paths.agent(swarm.byName(name).id).root, "generations");
  }
  /** The system that an agent's cage boots. */
  runs(name: string): string | undefined {
    return systemOf(join(this.generations(name), String(this.system.swarm.byName(name).record.generation)));
  }
  /** The links that keep systems of an agent. */
  links(name: string): string[] {
    return readdirSync(this.generations(name)).filter((one) => one.endsWith(".system"));
  }
  collectGarbage(): void {
    const { folder, socket } = this.#daemon.store;
    const env = { PATH: process.env["PATH"], HOME: this.top, NIX_REMOTE: "daemon" };
    const store = { NIX_STORE_DIR: folder, NIX_DAEMON_SOCKET_PATH: socket };
    execFileSync("nix-store", ["--gc"], { env: { ...env, ...store }, stdio: "pipe" });
  }
}

/** The agent.nix of an agent whose system a shell makes. */
export const madeBy = (script: string): Record<string, string> => ({
  "agent.nix": `{ lib, ... }: { hyperhive = lib.importJSON ./agent.json; script = ${JSON.stringify(script)}; }\n`,
});
