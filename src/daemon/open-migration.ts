import { statfsSync } from "node:fs";
import { Migration, type HostFindings, type MigrationDeps, type MigrationTarget } from "../deploys/migration.ts";
import { HOST_STORE } from "../platforms/nixos/platform.ts";
import { openPlatform } from "../platforms/open.ts";
import type { Platform, PlatformHost } from "../platforms/platform.ts";
import type { Repos } from "../config-repos/types.ts";
import { CONTAINER_DRIVER } from "../wire/w4rden.ts";
import { checkContainerHost } from "./checks.ts";
import type { Config } from "./config.ts";

/** Free bytes of the store that the systems of a hive want. They share most of their files. */
const WANTED_BYTES = 8 * 1024 ** 3;

/** What a test has in place of the host's containers. */
export interface MoveOverride {
  platform: Platform;
  host(): Promise<HostFindings>;
}

/** Opens the move into containers. `here` is the platform that runs agents now. */
export function openMigration(
  deps: Omit<MigrationDeps, "driver" | "openTarget" | "host" | "repos"> & { repos: Repos },
  host: PlatformHost & { hasHelper: boolean },
  { driver, path, flake }: Pick<Config, "driver" | "path" | "flake">,
  here: Platform,
  override: MoveOverride | undefined,
): Migration {
  const isHere = driver === CONTAINER_DRIVER;
  const openTarget = (): MigrationTarget | undefined => {
    if (isHere) return { ...here, isHere, ledger: deps.repos.meta };
    const other = override?.platform ?? (flake === undefined ? undefined : openPlatform(CONTAINER_DRIVER, host));
    return other && { ...other, isHere, ledger: deps.repos.candidatesOf(other.ledger) };
  };
  return new Migration({
    ...deps,
    driver,
    openTarget,
    host: override?.host ?? (() => hostFindings(path, host.hasHelper, flake !== undefined)),
  });
}

async function hostFindings(path: string, hasHelper: boolean, hasFlake: boolean): Promise<HostFindings> {
  // What the setting of the driver brings is not there before it.
  const findings = await checkContainerHost(path, hasHelper, { isChosen: false });
  const problems = findings.filter(({ level }) => level === "error").map(({ what, mend }) => `${what}: ${mend}`);
  if (!hasFlake)
    problems.push(
      "the flake from which systems are built is not known: HIVE_FLAKE names it; on NixOS, services.hive-c0re sets it",
    );
  return { problems, warnings: room() };
}

function room(): string[] {
  try {
    const { bavail, bsize } = statfsSync(HOST_STORE.folder);
    const free = bavail * bsize;
    const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
    return free < WANTED_BYTES
      ? [`${gib(free)} are free under ${HOST_STORE.folder}, and systems may want ${gib(WANTED_BYTES)}`]
      : [];
  } catch {
    // There is no store, which is a problem of its own.
    return [];
  }
}
