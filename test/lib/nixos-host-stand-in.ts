import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { STATUS_FILE } from "../../src/wire/container-end.ts";
import type { ContainersHost } from "../../src/w4rden/containers/host.ts";
import { KEEPER_FOLDER, OPENED_FILE } from "../../src/w4rden/containers/unit.ts";
import type { Finished } from "../../src/os/run.ts";

/**
 * A NixOS host in a folder, for the tests of root's helper. It runs no container. What it answers is the contract that
 * the helper relies on; `pl` is nixpkgs' `pkgs/by-name/ni/nixos-container/nixos-container.pl`, `nix` its
 * `nixos/modules/virtualisation/nixos-containers.nix`, at 26.11pre. `containers-contract.ts` is run over it by
 * `npm test`, and over a real host by `npm run nixos-host`.
 *
 * - `nixos-container create <name> --system-path <path>`: refuses a name whose configuration exists, or of more than 11
 *   characters; writes the configuration with addresses; sets the profile `system` to the path; starts nothing (pl,
 *   action "create"). On failure the configuration stays (pl: `or die` after `write_file`).
 * - `nixos-container start <name>`: refuses a name without a configuration; then it is `systemctl start` (pl,
 *   `startContainer`), which fails if the container's system does not come up (nix: `Type=notify`).
 * - `nixos-container destroy <name>`: succeeds without a configuration; removes the profile, the root folder and the
 *   configuration (pl, `clearContainerState`).
 * - `nixos-container list`: a name on each line.
 * - `systemctl show <unit> -p …`: prints `<property>=<value>` lines and succeeds, also for a unit that never ran.
 * - `systemctl stop <unit>`: succeeds for a container that does not run; fails with 5 for a unit that is not loaded.
 *   It returns after `ExecStopPost`.
 * - `nix-env -p <profile> --set <path>`: sets the profile.
 */
export function standInHost(folder: string): ContainersHost {
  const at = (path: string): string => join(folder, path);
  const [confs, profiles, roots, units, cages] = ["confs", "profiles", "roots", "units", "cages"].map(at) as [
    string,
    string,
    string,
    string,
    string,
  ];
  for (const made of [confs, profiles, roots, units, join(folder, "nix/store")]) mkdirSync(made, { recursive: true });
  const active = new Set<string>();
  const conf = (name: string): string => join(confs, `${name}.conf`);
  const containerOf = (unit: string): string | undefined => /^container@(.+)\.service$/.exec(unit)?.[1];

  function setProfile(profile: string, path: string): Finished {
    mkdirSync(join(profile, ".."), { recursive: true });
    rmSync(profile, { force: true });
    symlinkSync(path, profile);
    return done();
  }

  function nixosContainer([action, name = "", , path = ""]: readonly string[]): Finished {
    if (action === "list")
      return done(
        readdirSync(confs)
          .map((file) => `${file.replace(/\.conf$/, "")}\n`)
          .join(""),
      );
    if (action === "create") {
      if (existsSync(conf(name))) return failed(255, `container ‘${name}’ already exists`);
      if (name.length > 11) return failed(255, `container name ‘${name}’ is too long`);
      const addresses = "HOST_ADDRESS=10.233.1.1\nLOCAL_ADDRESS=10.233.1.2\n";
      writeFileSync(conf(name), `PRIVATE_NETWORK=1\n${addresses}HOST_BRIDGE=\nHOST_PORT=\nAUTO_START=0\n`);
      return setProfile(join(profiles, name, "system"), path);
    }
    if (!existsSync(conf(name))) return action === "destroy" ? done() : failed(255, `container ‘${name}’ does not exist`);
    if (action === "start") return startContainer(name);
    for (const gone of [join(profiles, name), join(roots, name), conf(name)]) rmSync(gone, { recursive: true, force: true });
    return done();
  }

  /** The system is what the configuration says; one without `boots` does not come up. */
  function startContainer(name: string): Finished {
    const system =
      /^SYSTEM_PATH=(.*)$/m.exec(readFileSync(conf(name), "utf8"))?.[1] ?? readlinkSync(join(profiles, name, "system"));
    mkdirSync(join(roots, name), { recursive: true });
    if (!existsSync(join(folder, system, "boots"))) return failed(1, "failed to start container");
    writeFileSync(join(cages, name, KEEPER_FOLDER, OPENED_FILE), "");
    active.add(name);
    return done();
  }

  function systemctl([action, unit = ""]: readonly string[]): Finished {
    const name = containerOf(unit);
    if (action === "show") return done(`MainPID=0\nActiveState=${active.has(name ?? "") ? "active" : "inactive"}\n`);
    if (action !== "stop") return done();
    if (name === undefined) return failed(5, `Unit ${unit} not loaded.`);
    if (active.delete(name)) writeFileSync(join(cages, name, STATUS_FILE), "killed KILL signal 0\n");
    return done();
  }

  return {
    confs,
    profiles,
    roots,
    units,
    cages,
    root: folder,
    lacks: async () => undefined,
    give: () => {},
    command: (program, argv) => [program, [...argv]],
    async run(program, argv) {
      if (program === "nixos-container") return nixosContainer(argv);
      if (program === "systemctl") return systemctl(argv);
      if (program === "nix-env") return setProfile(argv[1] ?? "", argv[3] ?? "");
      if (program === "journalctl") return done("init: No such file or directory\n");
      if (["mkfifo", "rm", "mkdir"].includes(program)) execFileSync(program, argv);
      return done();
    },
    bind({ stat }, target, { map }) {
      if (statSync(target).isDirectory() !== stat.isDirectory()) throw new Error("a bind of a folder on a file");
      if (!map.options.startsWith("X-mount.idmap=u:")) throw new Error("a bind without an id map");
    },
    unbind: () => {},
    isTaken: () => false,
  };
}

const done = (stdout = ""): Finished => ({ code: 0, stdout, stderr: "", missing: false });
const failed = (code: number, stderr: string): Finished => ({ code, stdout: "", stderr, missing: false });
