import { expect, test } from "vitest";
import { openTestSystem } from "../../test/lib/system.ts";
import { Migration } from "./migration.ts";

const run = { by: "operator", signal: new AbortController().signal, tell() {} };

test("without the flake an agent is not called ready, because nothing is known of its system", async () => {
  const system = await openTestSystem();
  try {
    await system.through((await system.requests.spawn({ name: "scout", by: "operator", origin: "spawn" })).id);
    const migration = new Migration({
      driver: "bwrap",
      openTarget: () => undefined,
      host: async () => ({ problems: ["the flake is not known"], warnings: [] }),
      repos: system.repos,
      swarm: system.swarm,
      markNixRead() {},
      store: system.store,
      paths: system.system.paths,
      bytesOnDisk: async () => undefined,
      rebuild: async () => undefined,
      now: Date.now,
    });
    const { agents } = await migration.check(system.swarm.all(), run);
    expect(agents).toMatchObject([
      { name: "scout", state: "blocked", problems: [expect.stringContaining("could not be checked, because the flake")] },
    ]);
  } finally {
    await system.close();
  }
});
