import { EMPTY_TREE, GIT_ENV } from "./git.ts";

/**
 * Address space of one git process: it maps packs of 4 GiB in windows and their indexes whole. Bytes. Its processor
 * time, enough to check a pack of that size. Seconds.
 */
const MEMORY_BYTES = 4 * 1024 ** 3;
export const CPU_SECONDS = 1_800;

/** Settings of git in the sandbox. Nothing that a repository contains can start a program or change them. */
const SETTINGS: Record<string, string> = {
  "core.hooksPath": "/dev/null",
  "core.attributesFile": "/dev/null",
  // Newer versions of git read attributes from HEAD in a bare repository.
  "attr.tree": EMPTY_TREE,
  "core.fsync": "none",
  "core.packedGitWindowSize": "32m",
  "core.packedGitLimit": "512m",
  "core.bigFileThreshold": "16m",
  "core.logAllRefUpdates": "false",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "pack.threads": "1",
  "protocol.allow": "never",
  "safe.directory": "*",
};

/** Limits and the environment of git in the sandbox, where /repo is the repository. */
export function gitSandbox(env: Record<string, string> | undefined = {}) {
  return {
    env: { ...GIT_ENV, GIT_DIR: "/repo", HOME: "/tmp", ...settingsEnvironment(), ...env },
    memoryBytes: MEMORY_BYTES,
    cpuSeconds: CPU_SECONDS,
  };
}

function settingsEnvironment(): Record<string, string> {
  const entries = Object.entries(SETTINGS);
  return {
    GIT_CONFIG_COUNT: String(entries.length),
    ...Object.fromEntries(
      entries.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}
