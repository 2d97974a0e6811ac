import { execFileSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** The Nix files of the repository. */
export function nixFiles(): string[] {
  const argv = ["ls-files", "--cached", "--others", "--exclude-standard", "--", "*.nix"];
  return execFileSync("git", argv, { cwd: ROOT, encoding: "utf8" }).trim().split("\n");
}

/**
 * Evaluates an expression in the repository's folder with the real Nix. No store and no network are used. What was asked
 * before is not evaluated again.
 */
export function nixValue(expression: string): unknown {
  const json = evaluated.get(expression) ?? evaluate(expression);
  evaluated.set(expression, json);
  return JSON.parse(json);
}
const evaluated = new Map<string, string>();

function evaluate(expression: string): string {
  const argv = ["--eval", "--strict", "--json", "--store", "dummy://", "--expr", expression];
  return execFileSync("nix-instantiate", argv, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** The service of the host module. `values` replaces values of options, in Nix. */
export function hostUnit(values = "{ }"): {
  environment: Record<string, string>;
  serviceConfig: Record<string, unknown>;
  sliceConfig: Record<string, unknown>;
  repositories: Record<string, Record<string, unknown>>;
  assertions: { assertion: boolean; message: string }[];
} {
  return nixValue(`let
    inherit (import ./nix/docs/options.nix { file = ./nix/modules/hive-c0re/options.nix; }) defaults;
  in import ./nix/modules/hive-c0re/unit.nix { cfg = defaults // { package = "/nix/store/hyperhive"; } // ${values}; }`) as never;
}
