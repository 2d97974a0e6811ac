/** The host's programs on NixOS, which has only `env` and `sh` elsewhere. nix/package.nix puts its own folders before it. */
const NIX_PROGRAMS = "/run/current-system/sw/bin";

/** Where the programs of the host are, for the programs around a cage. */
export const PROGRAM_PATH = `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:${NIX_PROGRAMS}`;

/** The only variable that the programs around a cage need. */
export const LAUNCH_ENV = { PATH: PROGRAM_PATH };

/** Where the programs of the host are in a sandbox, which has them at the host's paths. */
export const SANDBOX_PATH = `/usr/bin:/bin:${NIX_PROGRAMS}`;

/** The PATH in a cage: the runtime first, then the host's programs. */
export const CAGE_PATH = `/opt/hive/bin:/usr/local/bin:${SANDBOX_PATH}`;
