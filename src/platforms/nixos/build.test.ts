import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNixDaemon } from "../../../test/lib/nix-daemon.ts";
import { NixError } from "../../os/nix/nix-sandbox.ts";
import { removeTree } from "../../os/remove-tree.ts";
import { sandboxedRun } from "../../os/sandboxed-run.ts";
import { makeApplied } from "../ledger-conformance.ts";
import { buildSystem } from "./build.ts";
import type { Flake, FlakeDeps } from "./flake-folder.ts";
import { metaFlake } from "./meta-flake.ts";
import { relock } from "./relock.ts";

/** Systems that the real daemon of Nix builds, in a store of the test. */

/** In place of hyperhive's flake: a system is what the agent's module says that a shell makes. */
const HYPERHIVE = `{
  outputs = { self }: {
    lib.agentSystem = { name, system, module, ... }: {
      config.system.build.toplevel = derivation {
        inherit name system;
        builder = "/bin/sh";
        args = [ "-c" (import module { }).script ];
      };
    };
  };
}
`;
let folder: string;
let deps: FlakeDeps;
let daemon: Awaited<ReturnType<typeof startNixDaemon>>;
const never = new AbortController().signal;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "nix-build-")));
  const at = (name: string): string => join(folder, name);
  for (const name of ["hyperhive", "scratch"]) mkdirSync(at(name));
  writeFileSync(at("hyperhive/flake.nix"), HYPERHIVE);
  daemon = await startNixDaemon(folder);
  const { store } = daemon;
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  deps = { sandboxedRun, applied: at("applied"), reads: [at("hyperhive")], store, scratch: at("scratch"), owner };
});
afterAll(async () => {
  await daemon.stop();
  await removeTree(folder);
});

async function flakeOf(script: string): Promise<Flake> {
  rmSync(deps.applied, { recursive: true, force: true });
  const [, { rev }] = makeApplied(deps.applied, ["coder"], { "agent.nix": `{ ... }: { script = ${JSON.stringify(script)}; }\n` });
  const text = metaFlake({
    agents: ["coder"],
    applied: deps.applied,
    hyperhive: `path:${deps.reads[0]}`,
    system: `${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux`,
  });
  const flake = { text, lock: undefined, changed: { agent: "coder", rev } };
  return { ...flake, lock: await relock(flake, deps) };
}

test("a system is built in the host's store, and its log is told while it is built", async () => {
  let said = "";
  const path = await buildSystem("coder", await flakeOf('echo "compiling"; echo "the system" > $out'), deps, {
    signal: never,
    log: (text) => (said += text),
  });
  expect(path).toMatch(new RegExp(`^${deps.store?.folder}/[0-9a-z]{32}-coder$`));
  expect(readFileSync(path, "utf8")).toBe("the system\n");
  expect(said).toContain("coder> compiling");
  // What is approved may be read by every user, as everything in a store.
  expect(statSync(path).mode & 0o444).toBe(0o444);
});

test("a build that fails is told with the end of its log", async () => {
  const built = buildSystem("coder", await flakeOf('echo "no such compiler"; exit 3'), deps, { signal: never, log: () => {} });
  const failed = await built.catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(NixError);
  expect((failed as Error).message).toMatch(/exit code 3[^]*no such compiler/);
});

test("a build that is cancelled ends, and so do its builders", async () => {
  const cancel = new AbortController();
  const mark = join(folder, "began");
  const flake = await flakeOf(`echo $$ > ${mark}; /bin/sleep 1000`);
  const built = buildSystem("coder", flake, deps, { signal: cancel.signal, log: () => {} });
  const ended = expect(built).rejects.toThrow("cancelled by the operator");
  await expect.poll(() => existsSync(mark) && readFileSync(mark, "utf8").endsWith("\n")).toBe(true);
  const builder = Number(readFileSync(mark, "utf8"));
  cancel.abort(new Error("cancelled by the operator"));
  await ended;
  await expect.poll(() => existsSync(`/proc/${builder}`)).toBe(false);
});
