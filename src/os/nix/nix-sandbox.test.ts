import { expect, test } from "vitest";
import type { SandboxedProgram } from "../sandboxed-run.ts";
import { nix, type NixStore } from "./nix-sandbox.ts";

/** The settings that a run of Nix gets. */
async function settings(store?: NixStore): Promise<string[]> {
  let seen: SandboxedProgram | undefined;
  const stop = new Error("seen");
  const run = nix({
    sandboxedRun(program) {
      seen = program;
      throw stop;
    },
    folder: "/nowhere",
    owner: { uid: 1, gid: 1 },
    store,
    argv: ["build"],
    maxBytes: 1,
    timeoutMs: 1000,
    signal: new AbortController().signal,
  });
  await expect(run).rejects.toBe(stop);
  return (seen?.env["NIX_CONFIG"] ?? "").split("\n");
}

test("a build in the host's store uses the host's caches, build users and sandbox, as its daemon is set up", async () => {
  const own = await settings();
  const host = await settings({ folder: "/nix/store", socket: "/nix/var/nix/daemon-socket/socket" });
  expect(own.filter((line) => !host.includes(line))).toEqual(["build-users-group =", "sandbox = false", "substituters ="]);
  for (const line of ["allow-import-from-derivation = false", "accept-flake-config = false", "use-registries = false"])
    expect(host).toContain(line);
});
