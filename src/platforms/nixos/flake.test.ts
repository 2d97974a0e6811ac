import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { NixError, nixComplaint } from "../../os/nix/nix-sandbox.ts";
import { sandboxedRun } from "../../os/sandboxed-run.ts";
import { AgentConfig } from "../../wire/config.ts";
import { makeApplied } from "../ledger-conformance.ts";
import { evaluate } from "./evaluate.ts";
import type { Flake, FlakeDeps } from "./flake-folder.ts";
import { checkKinds, parseLock } from "./lock-file.ts";
import { metaFlake } from "./meta-flake.ts";
import { relock } from "./relock.ts";
import { NIX_LIB } from "../../../test/lib/nix-lib.ts";

/** The flake of a hive with the real Nix: what it locks, what it evaluates, and what a hostile agent cannot make it do. */

/** In place of hyperhive's flake, which needs nixpkgs: an agent's module with the options of an agent, and no others. */
const HYPERHIVE = `{
  outputs = { self }: {
    lib.agentSystem = { name, role, system, module }: let
      ${NIX_LIB}
      result = import module { inherit lib; pkgs = { }; config = { }; };
    in { config.system.build.agentJson = result.hyperhive; };
  };
}
`;
let folder: string;
let deps: FlakeDeps;
const signal = new AbortController().signal;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "nix-"));
  const hyperhive = join(folder, "hyperhive");
  for (const name of ["hyperhive", "scratch"]) mkdirSync(join(folder, name));
  writeFileSync(join(hyperhive, "flake.nix"), HYPERHIVE);
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  deps = { sandboxedRun, applied: join(folder, "applied"), reads: [hyperhive], scratch: join(folder, "scratch"), owner };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => rmSync(deps.applied, { recursive: true, force: true }));

const flakeText = (agents: readonly string[]): string =>
  metaFlake({ agents, applied: deps.applied, hyperhive: `path:${deps.reads[0]}`, system: "x86_64-linux" });

/** A flake with agents whose repositories have these files besides the template. */
function flakeOf(files: Record<string, string>, agents = ["coder"]): Flake & { rev: string } {
  rmSync(deps.applied, { recursive: true, force: true });
  const [, entry] = makeApplied(deps.applied, agents, files);
  return { text: flakeText(agents), lock: undefined, changed: { agent: agents[0] ?? "", rev: entry.rev }, rev: entry.rev };
}
const locked = async (files: Record<string, string>): Promise<Flake> => {
  const flake = flakeOf(files);
  return { ...flake, lock: await relock(flake, deps) };
};
const evaluated = async (files: Record<string, string>, timeoutMs?: number): Promise<unknown> =>
  evaluate("coder", await locked(files), deps, { signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
const agentNix = (expression: string): Record<string, string> => ({
  "agent.nix": `{ lib, ... }: { hyperhive = ${expression}; }\n`,
});

describe("the flake of a hive", () => {
  test("locks a commit that main does not have yet, and leaves every other input as it was", async () => {
    const [older, newer] = makeApplied(deps.applied, ["anna", "coder"]);
    const [first, text] = [flakeText(["anna"]), flakeText(["coder", "anna"])];
    const one = await relock({ text: first, lock: undefined, changed: { agent: "anna", rev: older.rev } }, deps);
    const two = await relock({ text, lock: one, changed: { agent: "coder", rev: newer.rev } }, deps);
    const three = await relock({ text, lock: two, changed: { agent: "coder", rev: older.rev } }, deps);
    const nodes = (lock: string): Record<string, unknown> => (JSON.parse(lock) as { nodes: Record<string, unknown> }).nodes;
    expect(nodes(two)).toMatchObject({ ...nodes(one), root: {}, "agent-coder": { locked: { rev: newer.rev } } });
    expect(nodes(three)).toMatchObject({ "agent-coder": { locked: { rev: older.rev } }, "agent-anna": nodes(one)["agent-anna"] });
    // An agent that is removed leaves the lock, and a roll-back is the lock of before, byte for byte.
    expect(nodes(await relock({ text: first, lock: three, changed: undefined }, deps))).toEqual(nodes(one));
    expect(await relock({ text, lock: one, changed: { agent: "coder", rev: newer.rev } }, deps)).toBe(two);
  });

  test("evaluates the config that the template loads from agent.json, as a request's is read", async () => {
    expect(AgentConfig.parse(await evaluated({}))).toEqual(AgentConfig.parse({ model: "haiku" }));
  });

  test("evaluates what agent.nix says", async () => {
    expect(await evaluated(agentNix('lib.importJSON ./agent.json // { description = "from Nix"; }'))).toEqual({
      model: "haiku",
      description: "from Nix",
    });
  });
});

describe("an agent's flake", () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ["that is no Nix", { "agent.nix": "{ lib, ... }: { hyperhive = ; }\n" }, /syntax error[^]*agent\.nix:1:29/],
    ["that throws", agentNix('throw "not today"'), /not today/],
    ["that reads a file of the host", agentNix('{ description = builtins.readFile "/etc/passwd"; }'), /forbidden in pure eval/],
    [
      "that reads the environment",
      agentNix("{ description = (import /proc/self/environ); }"),
      /forbidden in pure eval|does not exist/,
    ],
    [
      "that builds during its evaluation",
      agentNix(
        '{ description = builtins.readFile (derivation { name = "x"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo hi > $out" ]; }); }',
      ),
      /allow-import-from-derivation|import from derivation|not valid|disabled/,
    ],
    [
      "that fetches a file of the network",
      agentNix(
        '{ description = builtins.readFile (builtins.fetchurl { url = "https://example.org/x"; sha256 = "0000000000000000000000000000000000000000000000000000"; }); }',
      ),
      /unable to download|Couldn't resolve|resolve host|not allowed/,
    ],
  ])("%s is refused with the reason", async (_, files, words) => {
    const failed = await evaluated(files).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(NixError);
    expect((failed as Error).message).toMatch(words);
    expect((failed as Error).message).not.toContain("/store/");
  });

  test.each<[string, string, RegExp]>([
    [
      "does not end",
      "{ description = toString (builtins.length (builtins.genericClosure { startSet = [ { key = 0; } ]; operator = one: [ { key = one.key + 1; } ]; })); }",
      /took longer than 2 s|memory/,
    ],
    [
      "takes all memory",
      "{ description = toString (builtins.length (builtins.genList (n: n) 2000000000)); }",
      /memory|bad_alloc/,
    ],
    [
      "prints without end",
      `{ description = builtins.concatStringsSep "" (builtins.genList (n: "${"x".repeat(100)}") 60000); }`,
      /more than \d+ bytes of output/,
    ],
  ])("whose evaluation %s is cut", async (_, expression, words) => {
    await expect(evaluated(agentNix(expression), 2_000)).rejects.toThrow(words);
  });

  test.each<[string, string, RegExp]>([
    ["a file of the host", "path:/etc", /does not exist|getting status|No such file|file of the host/],
    ["a repository of the host", "git+file:///root/secret", /No such file|does not exist|not a git|not found|failed|cannot/],
    ["the network", "github:example/none", /unable to download|resolve|failed/],
    ["a name of a registry", "nixpkgs", /cannot find flake|registr|unsupported|failed/],
  ])("with an input that is %s cannot be locked", async (_, url, words) => {
    const flake = `{ inputs.more.url = "${url}"; outputs = { self, more }: { nixosModules.default = ./agent.nix; }; }\n`;
    const failed = await locked({ "flake.nix": flake }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(NixError);
    expect((failed as Error).message).toMatch(words);
  });

  test("cannot read the repository of another agent", async () => {
    const spy = `git+file://${deps.applied}/anna.git?ref=refs/tags/proposal/1`;
    const [, entry] = makeApplied(deps.applied, ["coder", "anna"], {
      "flake.nix": `{ inputs.spy.url = "${spy}"; outputs = { self, spy }: { nixosModules.default = ./agent.nix; }; }\n`,
    });
    const lock = relock({ text: flakeText(["coder"]), lock: undefined, changed: { agent: "coder", rev: entry.rev } }, deps);
    await expect(lock).rejects.toThrow(NixError);
  });

  test.each<[string, object]>([
    ["path", { type: "path", path: "/etc" }],
    ["path above itself", { type: "path", path: "../secret" }],
    ["repository", { type: "git", url: "file:///root/secret" }],
    ["other agent's repository", { type: "git", url: "file:///applied/anna.git" }],
    ["archive", { type: "tarball", url: "file:///root/secret.tar" }],
  ])("has no input that is a %s of the host, whatever it has locked itself", (_, source) => {
    const lock = {
      version: 7,
      root: "root",
      nodes: { root: { inputs: { "agent-coder": "agent-coder" } }, "agent-coder": {}, more: { locked: source } },
    };
    expect(() => checkKinds(parseLock(JSON.stringify(lock)), { applied: "/applied", reads: [] })).toThrow(/a file of the host/);
  });
});

test("a complaint of Nix is its last error, with the file as the agent's repository has it", () => {
  const stderr =
    "\u001B[31;1merror:\u001B[0m while evaluating\n  at /repo/nix/store/3n84sc3zqllflc5ng9pjw1v4hmq5l3dd-source/flake.nix:1:1\n\u001B[31;1merror:\u001B[0m undefined variable 'x'\n\n       at /repo/nix/store/3n84sc3zqllflc5ng9pjw1v4hmq5l3dd-source/agent.nix:3:5:\n(use '--show-trace' to show detailed location information)\n";
  expect(nixComplaint(stderr)).toBe("error: undefined variable 'x'\n\n       at agent.nix:3:5:");
});
