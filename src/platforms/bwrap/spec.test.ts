import { describe, expect, test } from "vitest";
import { CAGE_PATH, PROGRAM_PATH, SANDBOX_PATH } from "../../os/launch-env.ts";
import type { CageSpec } from "../port.ts";
import { bwrapArguments } from "./spec.ts";

const SPEC: CageSpec = {
  hiveId: "h",
  agentId: "a",
  name: "scout",
  role: "agent",
  generation: 1,
  revision: "r",
  runtimeDir: "/x/runtime",
  socketsDir: "/x/sockets",
  claudeDir: "/x/claude",
  stateDir: "/x/state",
  workspacesDir: "/x/work",
  configDir: "/x/config",
  extraBinds: [],
  cageDir: "/x/cage",
  logFile: "/x/log",
  env: {},
  argv: ["true"],
  limits: { memoryBytes: 1024 ** 3, cpuPercent: 100, pids: 64 },
  identity: { kind: "user-namespace", uid: 1_000_000, gid: 1_000_000 },
};

/** The read-only binds of a cage on a host with these paths. */
function readOnly(paths: readonly string[]): string[] {
  const host = { exists: (path: string) => paths.includes(path), linkTarget: () => undefined };
  const args = bwrapArguments(
    SPEC,
    host,
    () => "/stage",
    5,
    () => 6,
  );
  return args.flatMap((arg, index) =>
    arg === "--ro-bind" && args[index + 1] === args[index + 2] ? [args[index + 1] ?? ""] : [],
  );
}

describe("on NixOS", () => {
  const base = readOnly(["/nix/store", "/bin", "/etc/static", "/etc/ssl/certs", "/run/current-system/sw"]);

  test("a cage has the programs of the system, and the targets of the links in /etc", () => {
    expect(base).toEqual(["/usr", "/bin", "/nix/store", "/etc/ssl/certs", "/etc/static", "/run/current-system/sw"]);
  });

  test.each([CAGE_PATH, SANDBOX_PATH, PROGRAM_PATH])("%s has the folder of the system's programs", (path) => {
    expect(path.split(":")).toContain("/run/current-system/sw/bin");
  });
});

test("elsewhere a cage has none of them", () => {
  expect(readOnly(["/bin"])).toEqual(["/usr", "/bin"]);
});
