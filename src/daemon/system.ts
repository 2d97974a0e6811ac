import { randomBytes } from "node:crypto";
import { lookup } from "node:dns/promises";
import { Backups } from "../backup/take.ts";
import { openDriver } from "../platforms/open.ts";
import { LAST_ORDINAL } from "../platforms/uids.ts";
import type { Driver } from "../platforms/port.ts";
import { openRepos } from "../config-repos/index.ts";
import { pruneRuntimes } from "../platforms/runtime.ts";
import { Feed } from "../eventlog/feed.ts";
import { isPublicAddress } from "../gateway/egress/address.ts";
import { Gateway } from "../gateway/gateway.ts";
import type { Agent } from "../agents/agent.ts";
import { agentStore } from "../agents/agent-store.ts";
import { AllStop } from "../agents/all-stop.ts";
import { Cages } from "../agents/cages.ts";
import { DiskWatch } from "../agents/disk-watch.ts";
import { Harnesses } from "../agents/harnesses.ts";
import { systemPrompt } from "../agents/prompt.ts";
import { saveRecord } from "../agents/records.ts";
import { Sleep } from "../agents/sleep.ts";
import { Swarm } from "../agents/swarm.ts";
import { Announcements } from "../messages/announcements.ts";
import { Broker } from "../messages/broker.ts";
import { MessageHistory } from "../messages/history.ts";
import { Sessions } from "./sessions.ts";
import type { Paths } from "../lib/paths.ts";
import { Confirmations } from "../deploys/confirmations.ts";
import { lookForDrift } from "../deploys/drift.ts";
import { Questions } from "../messages/questions.ts";
import { SearchIndex } from "../messages/search.ts";
import { turnResultOf } from "../wire/harness.ts";
import { sessionStore } from "./session-store.ts";
import { tellOutcome } from "../agents/outcomes.ts";
import { turnStore } from "../agents/turn-store.ts";
import { Turns } from "../agents/turns.ts";
import { bytesOnDisk } from "../os/disk-use.ts";
import { openStore } from "../store/store.ts";
import type { AgentView } from "../wire/agent.ts";
import { instant } from "../wire/instant.ts";
import { OPERATOR } from "../wire/names.ts";
import { writableFolders } from "./cage-spec.ts";
import { CageSpecs } from "./cage-specs.ts";
import { isLoopback, type Config } from "./config.ts";
import { openDeploys } from "./deploys.ts";
import { directoryOf, revisionsInUse } from "./directory.ts";
import { Disk } from "./disk.ts";
import { openDispatch } from "./dispatch.ts";
import { EgressRecords } from "./egress-records.ts";
import type { Log } from "./log.ts";
import { openMetrics } from "./metrics.ts";
import { openModelAccess } from "./model-access.ts";
import { ModelUse } from "./model-use.ts";
import { readPrices } from "./prices-file.ts";
import { storeReplay } from "./replay.ts";
import { Retention, roughBytes } from "./retention.ts";
import { findClaude, openRuntime } from "./runtime-files.ts";
import { AgentPages } from "./http/agent-pages.ts";
import { Sockets } from "./sockets.ts";
import { UsageToday } from "./usage.ts";
import { VERSION } from "./version.ts";
import { Views } from "./views.ts";

const HIVE_ID = "hive_id";

export interface HiveDeps {
  config: Config;
  paths: Paths;
  log: Log;
  /** The daemon should stop its cages and end. */
  requestShutdown(words: string): void;
  /** Something failed after which nothing may be written: end at once. */
  onFatal(error: Error): void;
  /** Named places between two steps of a deploy, for tests that break it there. The programs have none. */
  failpoint?: (name: string) => Promise<void>;
}

/** The whole hive: what handlers act on. */
export type Hive = Awaited<ReturnType<typeof openHive>>;

/** Puts the hive together: the one place that knows every part. Nothing runs before `boot`. */
export async function openHive(deps: HiveDeps) {
  const { config, paths, log } = deps;
  const now = Date.now;
  const onUnexpected = (error: unknown): void => log.error({ err: error }, "unexpected");

  const access = openModelAccess(config.upstream, config.scenarios);
  const prices = readPrices(config.pricesFile);
  const runtime = openRuntime(paths.runtimes, findClaude(config.claudePath));
  const store = openStore({ file: paths.database, onFatal: deps.onFatal, maxGroup: config.commitGroup });
  const hiveId = store.meta.get(HIVE_ID) ?? randomBytes(4).toString("hex");
  await store.write(() => store.meta.set(HIVE_ID, hiveId));

  const driver: Driver = openDriver(config.driver);
  const directory = directoryOf(store.agents.names(), () => swarm);
  const feed = new Feed(
    storeReplay(store, directory, (row) => deploys.requestStore.view(row)),
    () => store.settle(),
  );
  const repos = await openRepos(paths);
  const usage = new UsageToday(store, now);
  const disk = new Disk(paths.state, paths.ballast, () => {
    if (disk.low) log.warn("the disk is nearly full: nothing new is taken in");
    else log.info("there is room on the disk again");
    hiveChanged();
  });
  const metrics = openMetrics();
  const urls = { home: "", domain: config.publicUrl?.origin };

  const views = new Views({
    hive: {
      id: hiveId,
      version: VERSION,
      revision: runtime.revision,
      started_at: instant(now()),
      ledger: paths.meta,
    },
    access,
    feed,
    usage,
    disk,
    urls,
    cannot: () => driver.cannot(),
    store,
    parts: () => ({ swarm, broker, turns, pages, allStop, questions, history, requestStore: deploys.requestStore }),
    now,
  });
  const changed = (agent: Agent): void => views.changed(agent);
  const hiveChanged = (): void => views.hiveChanged();
  const pages = new AgentPages({
    base: config.agentPortBase,
    bind: isLoopback(config.bind) ? config.bind : "127.0.0.1",
    all: () => swarm.all(),
    given: () => swarm.everyone().flatMap((agent) => agent.record.port ?? []),
    save(agent, port) {
      saveRecord(agentStore(store), agent, { port }).catch(onUnexpected);
    },
    changed(agent) {
      changed(agent);
      hiveChanged();
    },
  });

  const { maxHops, leaseGraceMs, sendRate } = config;
  const broker = new Broker({ store, feed, directory, maxHops, leaseGraceMs, sendRate, onUnexpected, now });
  const history = new MessageHistory(store, directory.nameOf, (inbox) => broker.queued(inbox));
  const retention = new Retention(store, { now, log: (words) => log.info(words), onUnexpected });
  const searchIndex = new SearchIndex(store, onUnexpected);
  const questions = new Questions({ store, feed, broker, directory, onUnexpected, now });
  const turns = new Turns({
    store: turnStore(store, feed, (agent, events) => retention.added(agent, roughBytes(events))),
    changed,
    now,
  });

  const interruptTurns = async (agent: Agent, why: string, except?: string): Promise<void> => {
    metrics.turns.inc({ outcome: "interrupted" }, await turns.interrupt(agent, why, except));
  };
  const egressRecords = new EgressRecords({
    store,
    feed,
    nameOf: directory.nameOf,
    added: (agent, bytes) => retention.added(agent, bytes),
    now,
  });
  const modelUse = new ModelUse({
    agent: (id) => swarm.byId(id),
    turns,
    usage,
    metrics,
    changed,
    hiveChanged,
    onUnexpected,
  });
  const gateway = new Gateway({
    model: {
      dialect: access.dialect,
      upstream: access.upstream,
      modelsOf: (id) => swarm.byId(id)?.models ?? [],
      prices,
      onUsage: (used) => modelUse.add(used),
      onSignal: (signal) => modelUse.signal(signal),
      onUnexpected,
    },
    egress: {
      hostsOf: (id) => swarm.byId(id)?.config.egress ?? [],
      resolve: async (host) => (await lookup(host, { all: true })).map((found) => found.address),
      isPublic: isPublicAddress,
      onRecord: (record) => void egressRecords.record(record).catch(onUnexpected),
    },
  });

  const call = openDispatch({
    hive: () => hive,
    agentCount: () => swarm.all().length,
    broker,
    disk,
    retention,
    metrics,
    onUnexpected,
  });
  const sockets = new Sockets({
    call,
    folderOf: (agent) => paths.sockets(agent),
    listenGateway: (agent, files) => gateway.listen(agent, files),
    onUnexpected,
  });

  const announcements = new Announcements({
    store,
    feed,
    broker,
    manager: () => swarm.manager(),
    agent: (name) => swarm.find(name),
    log: ({ event, ...details }) => log.info(details, event),
    onUnexpected,
    now,
  });
  const specs = new CageSpecs({ hiveId, paths, runtime, warmMs: config.warmMs, store });
  const cages = new Cages({
    driver,
    cageOf: (agent) => specs.place(agent),
    specFor: (agent, nonce) => specs.of(agent, nonce),
    identityOf: (agent) => agent.record.identity,
    revision: runtime.revision,
    mountProblems: (agent) => specs.mountProblems(agent),
    openSockets: (agent, identity) => sockets.openAgent(agent, identity),
    changed,
    async releaseLeases(agent, why) {
      await harnesses.release(agent, why);
      await broker.leases.releaseAll(agent.id);
    },
    interruptTurns,
    hasMail: (agent) => broker.hasMail(agent.id),
    announce: (happening, options) => announcements.announce(happening, options),
    crashBackoffMs: config.crashBackoffMs,
    onUnexpected,
    now,
  });
  const sleep = new Sleep({
    afterMs: config.sleepAfterMs,
    offer: (id) => broker.offerSleep(id),
    accepted: (agent) => cages.dozing(agent),
  });

  const harnesses = new Harnesses({
    broker,
    revision: runtime.revision,
    systemPrompt: (agent) =>
      systemPrompt({
        name: agent.name,
        role: agent.role,
        description: agent.config.description,
        instructions: agent.instructions,
        operatorPronouns: config.operatorPronouns,
      }),
    credentialKind: () => access.credentialKind,
    spoolPosition: (agent, instance) => turns.position(agent, instance),
    storeEvents: (agent, instance, events) => turns.record(agent, instance, events),
    interruptTurns,
    saveSession: (agent, sessionId) => swarm.saveSession(agent, sessionId ?? undefined),
    changed,
    rateLimitReset: (agent) => modelUse.limitEnds(agent),
    hasRevision: (agent, revision) => cages.revisionIs(agent, revision),
    replace: (agent) => deploys.autoUpdate.look(agent),
    isAnother: () => void lookForDrift(deploys.context).catch(onUnexpected),
    sleep,
    onUnexpected,
    onOutcome(agent, outcome) {
      metrics.turns.inc({ outcome: turnResultOf(outcome) });
      tellOutcome(announcements, agent.name, outcome).catch(onUnexpected);
    },
    now,
  });

  const swarm: Swarm = new Swarm({
    store: agentStore(store),
    paths,
    cages,
    harnesses,
    identityFor: (ordinal) => driver.identityFor(hiveId, ordinal),
    closeSockets: (agent) => sockets.removeAgent(agent),
    destroyCage: (agent) => driver.destroy(specs.place(agent)),
    hasMail: (agent) => broker.hasMail(agent.id),
    changed,
    announce: (happening, options) => announcements.announce(happening, options),
    onUnexpected,
    now,
  });
  const confirmations = new Confirmations();
  const deploys = openDeploys({
    store,
    feed,
    repos,
    broker,
    swarm,
    cages,
    harnesses,
    confirmations,
    paths,
    revision: runtime.revision,
    confirmMs: config.confirmMs,
    models: Object.keys(prices),
    specify: (agent) => specs.of(agent),
    // Before a spawn there is no agent yet. The last identity owns as little of this host as a new one will.
    identityOf: (agent) => agent?.record.identity ?? driver.identityFor(hiveId, LAST_ORDINAL),
    changed,
    announcements,
    lookAtDisk: (error) => disk.after(error),
    failpoint: deps.failpoint ?? (async () => {}),
    isAllStopped: () => allStop.isOn,
    checkMayDeploy: () => allStop.check(),
    afterDeploy: (agent) => allStop.afterDeploy(agent),
    onUnexpected,
    now,
  });
  const allStop = new AllStop({
    store,
    all: () => swarm.all(),
    start: (agent, by) => swarm.start(agent, by),
    stop: (agent, options) => swarm.stop(agent, options),
    giveUpDeploys: () => deploys.deploys.giveUp(),
    lookForUpdates: () => deploys.autoUpdate.lookAtAll(),
    changed: hiveChanged,
    now,
  });
  broker.onMail((id) => {
    const agent = swarm.byId(id);
    if (agent) cages.onMail(agent);
  });
  broker.onChange((inbox) => {
    searchIndex.touched();
    if (inbox === OPERATOR) return hiveChanged();
    const agent = swarm.byId(inbox);
    if (agent) changed(agent);
  });

  const sessions = new Sessions(sessionStore(store, onUnexpected, now), onUnexpected, now);
  const diskWatch = new DiskWatch({
    awake: () => swarm.all().filter((agent) => agent.phase.at === "running"),
    bytesOf: (agent) => bytesOnDisk(writableFolders(agent, paths)),
    folderOf: (agent) =>
      agent.role === "manager" ? `${paths.agent(agent.id).root} or ${paths.proposed}` : paths.agent(agent.id).root,
    halt: (agent, reason) => cages.halt(agent, reason),
    changed,
    everyMs: config.diskCheckMs,
    onUnexpected,
  });

  const hive = {
    id: hiveId,
    access,
    swarm,
    allStop,
    store,
    broker,
    history,
    searchIndex,
    nameOf: directory.nameOf,
    questions,
    harnesses,
    turns,
    feed,
    sessions,
    paths,
    driver,
    urls,
    pages,
    repos,
    backups: new Backups({ hiveId, version: VERSION, paths, store, still: repos.still }),
    deploys,
    confirmations,
    /** Prefixes of model ids that the operator's prices name. */
    pricedModels: Object.keys(prices),
    view: (agent: Agent): AgentView => views.agent(agent),
    requestShutdown: deps.requestShutdown,
    onUnexpected,
    views: () => views.all(),
    snapshot: (messages: number) => views.snapshot(messages),
    launchUrl() {
      const { token, expiresAt } = sessions.mint();
      return { url: `${urls.home}/login#token=${token}`, expires_at: expiresAt.toISOString() };
    },
    call,
    metrics: () => metrics.text({ agents: swarm.all(), readers: feed.readers, seq: store.seq }),

    /** Opens the operator's socket and brings the swarm to life. */
    async boot(): Promise<void> {
      disk.start();
      diskWatch.start();
      retention.start();
      searchIndex.touched();
      const { forward, back } = await deploys.recover();
      if (forward.length + back.length > 0) log.info({ forward, back }, "deploys of the last daemon are settled");
      await sockets.openHost(paths.hostSocket);
      await swarm.boot();
      broker.leases.startGrace();
      await deploys.firstStart();
      deploys.autoUpdate.start();
      const inUse = revisionsInUse(swarm, runtime.revision);
      if (inUse) pruneRuntimes(paths.runtimes, inUse);
    },
    /** Stops every cage in order. */
    async stopCages(words: string): Promise<void> {
      deploys.autoUpdate.stop();
      await deploys.deploys.stop();
      await cages.stopAll(swarm.all(), words);
    },
    killCages: () => cages.killAll(swarm.all()),
    /** Lets go of everything. Cages that still run live on and are found again. */
    async close(): Promise<void> {
      cages.close();
      deploys.autoUpdate.stop();
      await deploys.deploys.stop();
      pages.close();
      disk.stop();
      diskWatch.stop();
      retention.stop();
      searchIndex.stop();
      questions.stop();
      broker.stop();
      await sockets.closeAll();
      feed.close();
      store.close();
    },
  };
  return hive;
}
