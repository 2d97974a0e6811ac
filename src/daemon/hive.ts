import { randomBytes } from "node:crypto";
import { lookup } from "node:dns/promises";
import { Backups } from "../backup/take.ts";
import { openDriver } from "../containers/drivers.ts";
import { LAST_ORDINAL } from "../containers/uids.ts";
import type { Driver } from "../containers/driver.ts";
import { openRepos } from "../repos/index.ts";
import { pruneRuntimes } from "../containers/runtime.ts";
import { Feed } from "../eventlog/feed.ts";
import { isPublicAddress } from "../gateway/egress/address.ts";
import { Gateway } from "../gateway/gateway.ts";
import type { Agent } from "../hive/agents/agent.ts";
import { AllStop } from "../hive/agents/all-stop.ts";
import { Cages } from "../hive/agents/cages.ts";
import { DiskWatch } from "../hive/agents/disk-watch.ts";
import { Harnesses } from "../hive/agents/harnesses.ts";
import { systemPrompt } from "../hive/agents/prompt.ts";
import { hasResidentServer, Swarm } from "../hive/agents/swarm.ts";
import { Announcements } from "../hive/announcements.ts";
import { Broker, EVERYBODY } from "../hive/broker/broker.ts";
import { MessageHistory } from "../hive/broker/history.ts";
import { Door } from "../hive/door.ts";
import type { Paths } from "../hive/paths.ts";
import { Confirmations } from "../hive/deploy/confirmations.ts";
import { lookForDrift } from "../hive/deploy/drift.ts";
import { Questions } from "../hive/questions.ts";
import { SearchIndex } from "../hive/search.ts";
import { turnResultOf } from "../wire/harness.ts";
import { tellOutcome } from "../hive/outcomes.ts";
import { turnStore } from "../hive/turn-store.ts";
import { Turns } from "../hive/turns.ts";
import { bytesOnDisk } from "../os/disk-use.ts";
import type { Answer } from "../rpc/server.ts";
import { mountOwners } from "../store/approvals.ts";
import { openStore } from "../store/store.ts";
import type { AgentView } from "../wire/agent.ts";
import type { ByCall } from "../wire/by-call.ts";
import type { HiveEvent, StateSnapshot } from "../wire/event.ts";
import { HiveError } from "../wire/error.ts";
import { instant } from "../wire/instant.ts";
import { OPERATOR } from "../wire/names.ts";
import { takesIn, type OperationName, type Parsed } from "../wire/operations.ts";
import { cageSpec, writableFolders, type CageFacts } from "./cage-spec.ts";
import { isLoopback, type Config } from "./config.ts";
import { openDeploys } from "./deploys.ts";
import { directoryOf, revisionsInUse } from "./directory.ts";
import { Disk } from "./disk.ts";
import { EgressRecords } from "./egress-records.ts";
import { handlers } from "./handlers/index.ts";
import { senderOf } from "./handlers/messages.ts";
import type { CallerContext } from "./handlers/types.ts";
import type { Log } from "./log.ts";
import { openMetrics } from "./metrics.ts";
import { openModelAccess } from "./model-access.ts";
import { tryMounts } from "./mounts.ts";
import { readPrices } from "./prices-file.ts";
import { storeReplay } from "./replay.ts";
import { MESSAGE_BYTES, Retention, roughBytes } from "./retention.ts";
import { findClaude, openRuntime } from "./runtime-files.ts";
import { AgentPages } from "./http/agent-pages.ts";
import { Sockets } from "./sockets.ts";
import { UsageToday } from "./usage.ts";
import { VERSION } from "./version.ts";
import { Views } from "./views.ts";

const HIVE_ID = "hive_id";
/** What ran when everything was stopped; empty when it is not. */
const ALL_STOPPED = "all_stopped";
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
    storeReplay(store, directory, (row) => deploys.book.view(row)),
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
    // Asked for once the hive stands.
    parts: () => ({ broker, turns, pages, allStop }),
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
      agent.record = { ...agent.record, port };
      void store.write(() => store.agents.update(agent.id, { port })).catch(onUnexpected);
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
  const rateLimits = new Map<string, number>();
  const gateway = new Gateway({
    model: {
      upstream: access.upstream,
      modelsOf: (id) => swarm.byId(id)?.models ?? [],
      prices,
      onUsage(used) {
        const agent = swarm.byId(used.agentId);
        if (agent?.turn) addToTurn(agent.turn, used);
        void usage.add(used).catch(onUnexpected);
        metrics.modelTokens.inc(
          { agent: agent?.name ?? used.agentId },
          used.tokens.input + used.tokens.output + used.tokens.cache_read + used.tokens.cache_write,
        );
        if (agent) changed(agent);
        hiveChanged();
      },
      onSignal(signal) {
        metrics.modelRequests.inc({ outcome: signal.kind });
        if (signal.kind === "rate_limited" && signal.resetsAt !== undefined) rateLimits.set(signal.agentId, signal.resetsAt);
        else if (signal.kind === "ok") rateLimits.delete(signal.agentId);
      },
      onUnexpected,
    },
    egress: {
      hostsOf: (id) => swarm.byId(id)?.config.egress ?? [],
      resolve: async (host) => (await lookup(host, { all: true })).map((found) => found.address),
      isPublic: isPublicAddress,
      onRecord: (record) => void egressRecords.record(record).catch(onUnexpected),
    },
  });

  /** A send that is stored already is answered from what is stored: it takes nothing in. */
  const isStored = (name: OperationName, input: Parsed<"send">, caller: CallerContext): boolean =>
    name === "send" && broker.stored(senderOf(caller), input) !== undefined;

  /** A body is stored once for each recipient. */
  const noteSent = (agentId: string, { to, body }: Parsed<"send">): void => {
    const copies = to === EVERYBODY ? swarm.all().length : 1;
    void retention.added(agentId, (MESSAGE_BYTES + body.length) * copies).catch(onUnexpected);
  };

  const call = (name: OperationName, input: never, caller: CallerContext): ByCall<object> | AsyncIterable<object> => {
    if (disk.low && takesIn(name) && !isStored(name, input, caller))
      throw new HiveError(
        "disk_full",
        "the disk is nearly full: nothing new is taken in until there is room; free some and try again",
      );
    metrics.called(name, caller.kind);
    if (name === "send" && caller.kind === "agent") noteSent(caller.agent.id, input);
    if (name === "ask_operator" && caller.kind === "agent")
      void retention.added(caller.agent.id, MESSAGE_BYTES + JSON.stringify(input).length).catch(onUnexpected);
    const handler = handlers[name] as (hive: Hive, input: never, caller: CallerContext) => Answer | object;
    const result = handler(hive, input, caller);
    // A stream is handed on as it is.
    if (Symbol.asyncIterator in result) return result as AsyncIterable<object>;
    return (done, failed) => {
      const explained = (error: unknown): void => failed(disk.explain(error));
      if (typeof result === "function") (result as ByCall<object>)(done, explained);
      else if (result instanceof Promise) result.then(done, explained);
      else done(result);
    };
  };
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
  let isClosing = false;
  const cageFacts: CageFacts = {
    hiveId,
    paths,
    runtime,
    warmMs: config.warmMs,
    mountOwners({ name, generation }) {
      // A generation is named by its request; one from before there were requests has none.
      const row = store.approvals.byId(generation);
      return row?.name === name ? mountOwners(row) : {};
    },
  };

  const cageOf = (agent: Agent) => ({ cageDir: paths.agent(agent.id).cage, hiveId, agentId: agent.id });
  const cages = new Cages({
    driver,
    cageOf,
    specFor: async (agent, nonce) => cageSpec(agent, cageFacts, nonce),
    identityOf: (agent) => agent.record.identity,
    revision: runtime.revision,
    async mountProblems(agent) {
      const { mounts } = agent.config;
      const trials = await tryMounts(mounts, agent.record.identity, paths, cageFacts.mountOwners(agent));
      return trials.flatMap(({ problem }) => problem ?? []);
    },
    openSockets: (agent, identity) => sockets.openAgent(agent, identity),
    changed,
    async releaseLeases(agent, why) {
      await harnesses.release(agent, why);
      await broker.leases.releaseAll(agent.id);
    },
    interruptTurns,
    hasMail: (agent) => broker.hasMail(agent.id),
    async tell(agent, { actor, ...event }) {
      // What an agent's first deploy does to its cage is told by the deploy.
      if (agent.unborn) return;
      await announcements.announce({ agent: agent.name, ...event }, { toManager: !isClosing, ...(actor ? { actor } : {}) });
    },
    crashBackoffMs: config.crashBackoffMs,
    onUnexpected,
    now,
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
    rateLimitReset: (agent) => rateLimits.get(agent.id),
    replace: (agent) => deploys.autoUpdate.look(agent),
    isAnother: () => void lookForDrift(deploys.world).catch(onUnexpected),
    quiet(agent) {
      clearTimeout(agent.sleepTimer);
      if (hasResidentServer(agent) || agent.residentServers > 0) return;
      agent.sleepTimer = setTimeout(() => {
        if (agent.phase.at === "running" && !agent.held && broker.offerSleep(agent.id)) cages.dozing(agent);
      }, config.sleepAfterMs);
      agent.sleepTimer.unref();
    },
    busy: (agent) => clearTimeout(agent.sleepTimer),
    onUnexpected,
    onOutcome(agent, outcome) {
      metrics.turns.inc({ outcome: turnResultOf(outcome) });
      tellOutcome(announcements, agent.name, outcome).catch(onUnexpected);
    },
    now,
  });

  const swarm: Swarm = new Swarm({
    store: {
      all: store.agents.all,
      insert: (make) => store.write(() => store.agents.insert(make)),
      update: (id, patch) => store.write(() => store.agents.update(id, patch)),
    },
    paths,
    cages,
    harnesses,
    identityFor: (ordinal) => driver.identityFor(hiveId, ordinal),
    closeSockets: (agent) => sockets.removeAgent(agent),
    destroyCage: (agent) => driver.destroy(cageOf(agent)),
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
    specify: async (agent) => cageSpec(agent, cageFacts),
    // An agent that does not exist owns no file on this host, as any other that does not exist.
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
    kept: store.meta.get(ALL_STOPPED),
    all: () => swarm.all(),
    start: (agent, by) => swarm.start(agent, by),
    stop: (agent, options) => swarm.stop(agent, options),
    giveUpDeploys: () => deploys.deploys.giveUp(),
    lookForUpdates: () => deploys.autoUpdate.lookAtAll(),
    changed: hiveChanged,
    now,
    async save(state, wanted, kind) {
      await store.write(() => {
        store.meta.set(ALL_STOPPED, state);
        for (const { agent, desired } of wanted) store.agents.update(agent.id, { desired });
        store.ledger.audit(store.nextSeq(), { at: now(), actor: OPERATOR, kind, detail: { agents: wanted.length } });
      });
      for (const { agent, desired } of wanted) agent.record = { ...agent.record, desired };
    },
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

  const door = new Door(
    {
      async add(session) {
        const id = await store.write(() => store.sessions.add(session.hash, session.createdAt, session.userAgent));
        return { ...session, id };
      },
      live: () =>
        store.sessions.live().map((row) => ({
          id: row.id,
          hash: row.hash,
          createdAt: row.created_at,
          lastSeenAt: row.last_seen_at,
          userAgent: row.user_agent,
        })),
      seen: (id, at) => void store.write(() => store.sessions.seen(id, at)).catch(onUnexpected),
      revoke: (id) => store.write(() => store.sessions.revoke(id, now())),
    },
    onUnexpected,
    now,
  );
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
    door,
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
    /** The latest view of everything that has one. */
    views: (): HiveEvent[] => [
      { kind: "hive", hive: views.hive() },
      ...swarm.everyone().map((agent): HiveEvent => ({ kind: "agent", agent: views.agent(agent) })),
    ],
    snapshot: (messages: number): StateSnapshot => ({
      seq: store.settle(),
      hive: views.hive(),
      agents: swarm.everyone().map((agent) => views.agent(agent)),
      questions: questions.list({ all: false }),
      approvals: store.approvals.open().map((row) => deploys.book.view(row)),
      messages: history.messages({ limit: messages }),
      stuck: history.stuck(),
    }),
    launchUrl() {
      const { token, expiresAt } = door.mint();
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
      isClosing = true;
      deploys.autoUpdate.stop();
      await deploys.deploys.stop();
      await cages.stopAll(swarm.all(), words);
    },
    killCages: () => cages.killAll(swarm.all()),
    /** Lets go of everything. Cages that still run live on and are found again. */
    async close(): Promise<void> {
      isClosing = true;
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

function addToTurn(turn: NonNullable<Agent["turn"]>, used: { tokens: AgentTokens; costUsd: number | undefined }): void {
  for (const kind of ["input", "output", "cache_read", "cache_write"] as const) turn.tokens[kind] += used.tokens[kind];
  if (used.costUsd !== undefined) turn.costUsd = (turn.costUsd ?? 0) + used.costUsd;
}
type AgentTokens = NonNullable<Agent["turn"]>["tokens"];
