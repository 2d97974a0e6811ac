import { cpSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { check } from "../src/deploys/check.ts";
import { fewerBreaks, PUBLISHED } from "./lib/deploy-faults.ts";
import { NixosHive, madeBy } from "./lib/nixos-hive.ts";

/**
 * Deploys on the platform of NixOS hosts that break between any two steps, with the real Nix and its daemon: afterwards
 * the seven invariants hold, what was published is deployed, and nothing that runs has changed otherwise. A killed daemon
 * is the folder of the hive as it was at that moment, which the next daemon opens.
 */

let hive: NixosHive;
let broken: { at: string; how: string; reached: () => void } | undefined;
let words = 0;
const snapshot = (): string => join(hive.top, "killed");

beforeAll(async () => {
  hive = await NixosHive.start(failpoint);
  await hive.spawn("ada");
  await hive.spawn("ben");
});
afterAll(() => hive.stop());

async function failpoint(name: string): Promise<void> {
  if (broken?.at !== name) return;
  const { how, reached } = broken;
  broken = undefined;
  if (how === "kill") cpSync(hive.folder, snapshot(), { recursive: true, verbatimSymlinks: true });
  reached();
  throw Object.assign(new Error(`broken ${name}`), how === "ENOSPC" ? { code: "ENOSPC" } : {});
}

/** The refs that a deploy moves, what ada boots, and the links that keep its systems. */
async function state() {
  const refs = await hive.system.repos.applied("ada").refs();
  return {
    meta: await hive.system.repos.meta.head(),
    main: refs.get("refs/heads/main"),
    boots: hive.runs("ada"),
    links: hive.links("ada").sort(),
  };
}

test.each(fewerBreaks(["error", "ENOSPC", "kill"]))(
  "broken %s by %s: the change is deployed, or everything stays as it was",
  async (at, how) => {
    const before = await state();
    const text = `words ${++words}`;
    const reached = new Promise<void>((resolve) => (broken = { at, how, reached: resolve }));
    const { id } = await hive.propose("ada", madeBy(`echo ${text} > $out`));
    await hive.system.decisions.approve(id, {}, { by: "operator", digestNeeded: false });
    await hive.system.deploys.finished(id);
    await reached;
    if (how === "kill") {
      await hive.system.close();
      rmSync(hive.folder, { recursive: true });
      renameSync(snapshot(), hive.folder);
      await hive.open(failpoint);
    }
    const isDeployed = PUBLISHED.includes(at);
    expect(hive.system.requestStore.get(id).state).toBe(isDeployed ? "deployed" : "failed");
    const after = await state();
    if (isDeployed) {
      expect(after.main).toBe(hive.system.requestStore.get(id).sha);
      expect(readFileSync(after.boots ?? "", "utf8")).toBe(`${text}\n`);
    } else expect(after).toEqual(before);
    expect((await check(hive.system.context)).flatMap((one) => one.problems)).toEqual([]);
    hive.collectGarbage();
    expect(hive.runs("ada")).toBe(after.boots);
  },
);
