import Database from "better-sqlite3";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { check } from "../src/deploys/check.ts";
import { openTestSystem } from "./lib/system.ts";

/** Starts with the remains of a killed daemon: requests in flight, and a repository that was damaged meanwhile. */

/** A hive of which each test has a copy, and the requests that it has deployed: one for each of two agents. */
let made: string;
let published: number[];
let folder: string;
beforeAll(async () => {
  folder = made = mkdtempSync(join(tmpdir(), "recovery-"));
  published = await changes(["ada", "bob"], { approved: true });
});
afterAll(() => rmSync(made, { recursive: true, force: true }));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "recovery-"));
  cpSync(made, folder, { recursive: true, verbatimSymlinks: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const repository = (): string => join(folder, "s", "applied", "ada.git");
/** The ways in which disks and people damage a repository. */
const DAMAGES: Record<string, () => void> = {
  "has no refs": () => rmSync(join(repository(), "refs"), { recursive: true }),
  "has a HEAD of noise": () => writeFileSync(join(repository(), "HEAD"), "\0\0\0"),
  "is a file": () => {
    rmSync(repository(), { recursive: true });
    writeFileSync(repository(), "");
  },
};

/** Requests a change of each agent, and deploys it if `approved`. Resolves with the requests. */
async function changes(agents: string[], { approved }: { approved: boolean }): Promise<number[]> {
  const system = await openTestSystem({ folder });
  const ids: number[] = [];
  for (const agent of agents) {
    if (!system.swarm.find(agent))
      await system.through((await system.requests.spawn({ name: agent, by: "operator", origin: "spawn" })).id);
    const base64 = Buffer.from(JSON.stringify({ model: `model-${String(approved)}` })).toString("base64");
    const files = [{ path: "agent.json", mode: "100644" as const, base64 }];
    const { id } = await system.requests.proposeFiles({ agent, files, by: "operator" });
    if (approved) {
      await system.decisions.approve(id, {}, { by: "operator", digestNeeded: false });
      await system.through(id);
    }
    ids.push(id);
  }
  await system.close();
  return ids;
}

/** Sets requests to the state in which a daemon leaves them when it is killed during their deploys. */
function leaveInFlight(ids: number[], state: string): void {
  const db = new Database(join(folder, "s", "hive.db"));
  for (const id of ids)
    db.prepare(
      "UPDATE approvals SET state = ?, approved_at = coalesce(approved_at, 1), building_at = coalesce(building_at, 1), resolved_at = NULL WHERE id = ?",
    ).run(state, id);
  db.close();
}

test.each(Object.keys(DAMAGES))(
  "a request in flight on a repository that %s is finished and shown, and blocks no other agent",
  async (how) => {
    leaveInFlight(published, "activating");
    const copy = join(folder, "copy");
    cpSync(repository(), copy, { recursive: true });
    DAMAGES[how]?.();
    const forward = await openTestSystem({ folder });
    expect(forward.recovered).toEqual({ forward: published, back: [] });
    for (const id of published) expect(forward.requestStore.get(id).state).toBe("deployed");
    expect(forward.swarm.byName("ada").record.deployedRequest).toBe(published[0]);
    expect(forward.swarm.byName("ada").warnings.join()).toContain("its applied repository is damaged");
    expect(forward.swarm.byName("bob").warnings).toEqual([]);
    expect(forward.unexpected.length).toBeGreaterThan(0);
    await forward.close();

    rmSync(repository(), { recursive: true });
    cpSync(copy, repository(), { recursive: true });
    const asked = await changes(["ada", "bob"], { approved: false });
    leaveInFlight(asked, "building");
    rmSync(copy, { recursive: true });
    cpSync(repository(), copy, { recursive: true });
    DAMAGES[how]?.();
    const back = await openTestSystem({ folder });
    expect(back.recovered).toEqual({ forward: [], back: asked });
    const [ada, bob] = asked.map((id) => back.requestStore.get(id));
    expect(ada?.state).toBe("failed");
    expect(ada?.error).toMatch(/ask again; the applied repository of ada is damaged: ./);
    expect(bob).toMatchObject({ state: "failed", error: expect.stringMatching(/ask again$/) as string });
    expect(back.swarm.byName("ada").warnings.join()).toContain("its applied repository is damaged");
    expect(back.swarm.byName("bob").warnings).toEqual([]);
    await back.close();

    // Restored from a backup. The start repairs what it lacks.
    rmSync(repository(), { recursive: true });
    cpSync(copy, repository(), { recursive: true });
    const mended = await openTestSystem({ folder });
    expect(mended.swarm.byName("ada").warnings).toEqual([]);
    expect((await mended.repos.applied("ada").refs()).has(`refs/tags/failed/${asked[0]}`)).toBe(true);
    expect((await check(mended.context)).flatMap((one) => one.problems)).toEqual([]);
    await mended.close();
  },
);
