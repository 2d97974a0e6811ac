import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CageExit, Driver, Running } from "../../src/platforms/port.ts";
import { openDeploys } from "../../src/daemon/deploys.ts";
import { Feed } from "../../src/eventlog/feed.ts";
import { Cages } from "../../src/agents/cages.ts";
import type { Harnesses } from "../../src/agents/harnesses.ts";
import { Swarm } from "../../src/agents/swarm.ts";
import { Announcements } from "../../src/messages/announcements.ts";
import { Broker } from "../../src/messages/broker.ts";
import { Confirmations } from "../../src/deploys/confirmations.ts";
import type { Directory } from "../../src/messages/directory.ts";
import { Paths } from "../../src/lib/paths.ts";
import { openRepos } from "../../src/config-repos/index.ts";
import { openStore } from "../../src/store/store.ts";

/**
 * Requests and deploys in one process: the real database, the real repositories, the real steps. Only the cages are
 * missing: a started cage confirms at once, with the nonce that it got. With `folder` it continues with the content of
 * that folder and does not remove it.
 */
export async function openDeployContext(options: { folder?: string; onFatal?(error: Error): void } = {}) {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "deploys-"));
  const paths = new Paths(join(folder, "s"), join(folder, "s", "run"));
  paths.prepare();
  const store = openStore({
    file: paths.database,
    onFatal(error) {
      if (options.onFatal) return options.onFatal(error);
      throw error;
    },
  });
  const feed = new Feed(
    () => [],
    () => store.seq,
  );
  const principal = (name: string) => {
    const agent = swarm.find(name);
    return agent && !agent.destroyed ? { id: agent.id, name: agent.name } : undefined;
  };
  const directory: Directory = {
    byName: principal,
    byId: (id) => principal(swarm.byId(id)?.name ?? ""),
    live: () => swarm.all().map(({ id, name }) => ({ id, name })),
    nameOf: (id) => swarm.byId(id)?.name ?? id,
  };
  const unexpected: unknown[] = [];
  const unexpectedly = (error: unknown): void => void unexpected.push(error);
  const broker = new Broker({ store, feed, directory, maxHops: 32, leaseGraceMs: 60_000, onUnexpected: unexpectedly });
  const confirmations = new Confirmations();
  const driver = {
    prepare: async () => {},
    adopt: async () => null,
    destroy: async () => {},
    async start(spec: { agentId: string; env: { HIVE_NONCE?: string } }): Promise<Running> {
      let end!: (exit: CageExit) => void;
      const exited = new Promise<CageExit>((resolve) => (end = resolve));
      const { HIVE_NONCE: nonce } = spec.env;
      if (nonce !== undefined) setImmediate(() => confirmations.confirm(spec.agentId, nonce));
      return { init: { pid: 0, startTime: 0 }, exited, kill: async () => end({ code: 0 }), memoryBytes: () => undefined };
    },
  } as unknown as Driver;
  const cages = new Cages({
    driver,
    cageOf: (agent) => ({ cageDir: paths.agent(agent.id).cage, hiveId: "h", agentId: agent.id }),
    specFor: async (agent, nonce) =>
      ({ agentId: agent.id, revision: "r1", env: nonce === undefined ? {} : { HIVE_NONCE: nonce } }) as never,
    identityOf: (agent) => agent.record.identity,
    revision: "r1",
    openSockets: async () => {},
    changed: () => {},
    releaseLeases: async () => {},
    interruptTurns: async () => {},
    mountProblems: async () => [],
    hasMail: () => false,
    announce: async () => {},
    crashBackoffMs: 1,
    onUnexpected: unexpectedly,
    now: Date.now,
  });
  const harnesses = {
    serve: () => {},
    unpark: () => {},
    forgive: () => {},
    unparkFrom: () => {},
    hold: () => {},
    unhold: () => {},
    isBusy: () => false,
    expect: () => {},
  } as unknown as Harnesses;
  const identity = { kind: "user-namespace" as const, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const swarm: Swarm = new Swarm({
    store: {
      all: store.agents.all,
      insert: (make) => store.write(() => store.agents.insert(make)),
      update: (id, patch) => store.write(() => store.agents.update(id, patch)),
    },
    paths,
    cages,
    harnesses,
    identityFor: () => identity,
    closeSockets: async () => {},
    destroyCage: async () => {},
    hasMail: () => false,
    changed: () => {},
    announce: async () => {},
    onUnexpected: unexpectedly,
    now: Date.now,
  });
  const repos = await openRepos(paths);
  const announcements = new Announcements({
    store,
    feed,
    broker,
    manager: () => swarm.manager(),
    agent: (name) => swarm.find(name),
    log: () => {},
    onUnexpected: unexpectedly,
    now: Date.now,
  });
  const deploys = openDeploys({
    store,
    feed,
    repos,
    broker,
    swarm,
    cages,
    harnesses,
    confirmations,
    models: [],
    paths,
    revision: "r1",
    confirmMs: 10_000,
    specify: async () => {},
    identityOf: () => identity,
    changed: () => {},
    announcements,
    lookAtDisk: () => false,
    failpoint: async () => {},
    isAllStopped: () => false,
    checkMayDeploy: () => {},
    afterDeploy: async () => {},
    onUnexpected: unexpectedly,
    now: Date.now,
  });
  const recovered = await deploys.recover();
  return {
    ...deploys,
    broker,
    paths,
    recovered,
    store,
    repos,
    swarm,
    unexpected,
    async close(): Promise<void> {
      await deploys.deploys.stop();
      broker.stop();
      store.close();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
