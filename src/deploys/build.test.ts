import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { BuildCandidate, BuildOptions } from "../platforms/platform.ts";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import { buildLog, BUILD_LOG_LIMITS } from "./build-log.ts";

/** Tests of the build step, on a platform whose builds take as long as the test wants. */

let system: TestSystem;
let build: (candidate: BuildCandidate, options: BuildOptions) => Promise<void>;
afterEach(() => system.close());

async function start(): Promise<void> {
  build = async () => {};
  system = await openTestSystem({ platform: { build: (candidate, options) => build(candidate, options) } });
  await system.through((await system.requests.spawn({ name: "ada", by: "operator", origin: "spawn" })).id);
}
async function propose(by = "operator"): Promise<number> {
  const base64 = Buffer.from(JSON.stringify({ model: "opus" })).toString("base64");
  const { id } = await system.requests.proposeFiles({
    agent: "ada",
    files: [{ path: "agent.json", mode: "100644", base64 }],
    by,
  });
  return id;
}
/** Approves a change whose build does not end. Resolves with its options when it has begun. */
async function building(by?: string): Promise<{ id: number; candidate: BuildCandidate; options: BuildOptions; end(): void }> {
  const id = await propose(by);
  return new Promise((resolve, reject) => {
    build = (candidate, options) =>
      new Promise<void>((end, fail) => {
        options.signal.addEventListener("abort", () => fail(options.signal.reason as Error));
        resolve({ id, candidate, options, end });
      });
    system.decisions.approve(id, {}, { by: "operator", digestNeeded: false }).catch(reject);
  });
}
const logOf = (id: number): string => readFileSync(system.paths.buildLog(id), "utf8");

test("a build gets the ledger's candidate before anything that runs is changed, and its log can be followed", async () => {
  await start();
  const before = await system.repos.meta.head();
  const { id, candidate, options, end } = await building();
  expect(candidate).toMatchObject({ agent: "ada", request: id });
  expect(readdirSync(candidate.folder)).toContain("agent.json");
  expect((await system.repos.meta.ledger(candidate.candidate))["ada"]?.rev).toBe(system.requestStore.get(id).sha);
  expect(await system.repos.meta.head()).toBe(before);
  expect(system.requestStore.get(id).state).toBe("building");
  options.log("fetching\n");
  options.log("compiling\n");
  end();
  await system.through(id);
  expect(logOf(id)).toBe("fetching\ncompiling\n");
});

test("a failed build fails the request and changes nothing", async () => {
  await start();
  const before = await system.repos.meta.head();
  build = async (_, { log }) => {
    log("error: no such package\n");
    throw new Error("the build failed: no such package");
  };
  const id = await propose();
  await system.decisions.approve(id, {}, { by: "operator", digestNeeded: false });
  expect(await system.deploys.finished(id)).toMatchObject({ state: "failed", error: "the build failed: no such package" });
  expect(await system.repos.meta.head()).toBe(before);
  expect(logOf(id)).toBe("error: no such package\n");
});

test("a cancelled build ends at once, the request fails with who cancelled it, and the next one deploys", async () => {
  await start();
  const { id, options } = await building();
  const row = await system.decisions.cancel(id, "operator", { note: "too slow" });
  expect(options.signal.aborted).toBe(true);
  expect(row).toMatchObject({ state: "failed", error: "operator cancelled the build: too slow" });
  build = async () => {};
  const next = await propose();
  await system.decisions.approve(next, {}, { by: "operator", digestNeeded: false });
  await system.through(next);
});

test("another agent cannot cancel a build, and a built request cannot be cancelled", async () => {
  await start();
  const { id, end } = await building();
  await expect(system.decisions.cancel(id, "ada")).rejects.toThrow("is not yours");
  end();
  await system.through(id);
  await expect(system.decisions.cancel(id, "operator")).rejects.toThrow("there is nothing to cancel");
});

test("a log is bounded, keeps its end, and the oldest logs are removed", async () => {
  await start();
  const folder = mkdtempSync(join(tmpdir(), "builds-"));
  for (let id = 1; id <= BUILD_LOG_LIMITS.maxLogs + 5; id++) writeFileSync(join(folder, `${id}.log`), "");
  const log = buildLog(join(folder, "1000.log"), (error) => {
    throw error;
  });
  await log.begin();
  for (let n = 0; n < 40; n++) log.write(`${String(n).repeat(32_768)}\n`.slice(0, 65_536));
  log.write("the reason\n");
  await log.close();
  const text = readFileSync(join(folder, "1000.log"), "utf8");
  expect(text.length).toBeLessThan(BUILD_LOG_LIMITS.maxBytes + 20_000);
  expect(text).toMatch(/bytes are left out …\n[^]*the reason\n$/);
  const names = readdirSync(folder);
  expect(names).toHaveLength(BUILD_LOG_LIMITS.maxLogs);
  expect(names).not.toContain("1.log");
  rmSync(folder, { recursive: true });
});
