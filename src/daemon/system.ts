import { agentStore as openAgentStore } from "../agents/agent-store.ts";
import { AllStop } from "../agents/all-stop.ts";
import { Cages, type CageDeps } from "../agents/cages.ts";
import { AgentCommands } from "../agents/commands.ts";
import { DiskWatch } from "../agents/disk-watch.ts";
import type { AgentEvents } from "../agents/events.ts";
import { Harnesses } from "../agents/harnesses.ts";
import { announceOutcomes } from "../agents/outcomes.ts";
import { Sleep } from "../agents/sleep.ts";
import { Swarm } from "../agents/swarm.ts";
import { turnStore } from "../agents/turn-store.ts";
import { Turns } from "../agents/turns.ts";
import { Backups } from "../backup/take.ts";
import { openRepos } from "../config-repos/index.ts";
import { Confirmations } from "../deploys/confirmations.ts";
import type { AgentRepositories } from "../deploys/deploy-context.ts";
import { openDeploys } from "../deploys/open.ts";
import { RequestReader } from "../deploys/request-reader.ts";
import { Review } from "../deploys/review.ts";
import { AgentFiles } from "../files/agent-files.ts";
import { Uploads } from "../files/uploads.ts";
import { readerOfRuntime } from "../files/reader-program.ts";
import { Feed } from "../eventlog/feed.ts";
import { hivectlAnywhere, hivectlName } from "../lib/hivectl.ts";
import { Closers } from "../lib/closers.ts";
import { Bus } from "../lib/bus.ts";
import { Announcements } from "../messages/announcements.ts";
import { Broker } from "../messages/broker.ts";
import { threadShare } from "../messages/rate.ts";
import { MessageHistory } from "../messages/history.ts";
import { Questions } from "../messages/questions.ts";
import { SearchIndex } from "../messages/search.ts";
import { bytesOnDisk } from "../os/disk-use.ts";
import { removeTree } from "../os/remove-tree.ts";
import { giveSocket } from "../os/unix-user.ts";
import { openPlatform } from "../platforms/open.ts";
import { openStore } from "../store/store.ts";
import { DEFAULT_CREDENTIAL } from "../wire/default-credential.ts";
import { instant } from "../wire/instant.ts";
import { openBudgets } from "./budget-parts.ts";
import { CageSpecs } from "./cage-specs.ts";
import { pageAddress } from "./config.ts";
import { directoryOf } from "./directory.ts";
import { Disk } from "./disk.ts";
import { openDispatch } from "./dispatch.ts";
import { EgressRecords } from "./egress-records.ts";
import { openEgressSocket } from "./egress-socket.ts";
import { openGateway, theWeb } from "./gateway.ts";
import { gitOwner } from "./git-owner.ts";
import type { HandlerContext } from "./handlers/types.ts";
import { openHiveId } from "./hive-id.ts";
import { hostMounts } from "./host-mounts.ts";
import { AgentPages } from "./http/agent-pages.ts";
import { openLifecycle } from "./lifecycle.ts";
import { openMetrics } from "./metrics.ts";
import { LoginCage, removeLoginCage } from "./login/login-cage.ts";
import { CredentialFiles } from "./login/credential-files.ts";
import { ModelCredentials } from "./login/model-credentials.ts";
import { ModelLogin } from "./login/model-login.ts";
import { StoredLogin } from "./login/stored-login.ts";
import { openModelAccess, TOUR } from "./model-access.ts";
import { ModelUse } from "./model-use.ts";
import { openMigration } from "./open-migration.ts";
import { Operators } from "./operators.ts";
import { checkOtherDriver } from "./other-driver.ts";
import { Passkeys } from "./passkeys/passkeys.ts";
import { readDeclared } from "./declared-file.ts";
import { Days } from "../policy/days.ts";
import { readPrices } from "./prices-file.ts";
import { storeReplay } from "./replay.ts";
import { Retention } from "./retention.ts";
import { RepoTokens } from "./repo-tokens.ts";
import { SecretFiles } from "./secrets/secret-files.ts";
import { Secrets } from "./secrets/secrets.ts";
import { findClaude, openRuntime } from "./runtime-files.ts";
import { sessionStore } from "./session-store.ts";
import { Sessions } from "./sessions.ts";
import { Sockets } from "./sockets.ts";
import type { SystemDeps } from "./system-deps.ts";
import { Telemetry } from "./otlp/telemetry.ts";
import { UsageToday } from "./usage.ts";
import { VERSION } from "./version.ts";
import { Views } from "./views.ts";
import { branchPrefixOf } from "../os/git/exported-folder.ts";
import { ChangeReader } from "../work/change-reader.ts";
import { GitWorker } from "../work/git/worker.ts";
import { openWork } from "../work/open.ts";
import { RehearsedHost } from "../work/rehearsed/host.ts";
import { Credentials } from "../work/remote/credentials.ts";
import { systemLogOf } from "./system-log.ts";
import { driversOf } from "./w4rden-driver.ts";
import { findW4rden } from "./w4rden.ts";

export type System = Awaited<ReturnType<typeof openSystem>>;

/**
 * Wires the hive together. This is the only place that knows every part, and it contains no decisions. Each part gets
 * the parts before it, and is notified of events in later parts through the bus. Nothing runs before `boot`.
 */
export async function openSystem({ config, paths, log, requestShutdown, onFatal, overrides = {} }: SystemDeps) {
  const now = overrides.now ?? Date.now;
  const failpoint = overrides.failpoint ?? (async () => {});
  const onUnexpected = overrides.onUnexpected ?? ((error: unknown): void => log.error({ err: error }, "unexpected"));
  const stored = new StoredLogin(paths.modelLogin);
  const credentialFiles = new CredentialFiles(paths.modelCredentials);
  const access = openModelAccess(config.upstream, config.scenarios, stored, credentialFiles);
  const prices = readPrices(config.pricesFile);
  const declared = readDeclared(config.repositoriesFile);
  const pricedModels = Object.keys(prices);
  const runtime = overrides.runtime ?? openRuntime(paths.runtimes, findClaude(config.claudePath));
  const { revision } = runtime;
  const store = openStore({ file: paths.database, onFatal, maxGroup: config.commitGroup });
  const hiveId = await openHiveId(store);
  checkOtherDriver(config.driver, paths);
  const w4rden = findW4rden();
  const { flake } = config;
  const opened = {
    ...openPlatform(config.driver, { hiveId, paths, flake, containers: w4rden?.containers }),
    ...overrides.platform,
  };
  const { driver, sideDriver } = driversOf(opened, w4rden);
  const platform = { ...opened, driver };
  const repos = await openRepos(paths, platform);

  const bus = new Bus<AgentEvents>(onUnexpected);
  const agentStore = openAgentStore(store);
  const specs = new CageSpecs({ hiveId, paths, runtime, warmMs: config.warmMs, store, platform, w4rden });
  const swarm = new Swarm({ store: agentStore, paths, identities: specs, now });
  const directory = directoryOf(store.agents.names(), swarm);
  const requests = new RequestReader({ store, swarm });
  const changes = new ChangeReader(store);
  const feed = new Feed(storeReplay(store, directory, requests, changes), () => store.seq);
  const base = { paths, log, store, bus, feed, agents: swarm, agentStore, directory, revision, onUnexpected, now };

  const credentialChanged = (name: string): void => {
    modelUse.forget(name);
    commands.credentialChanged(name);
  };
  const secrets = new Secrets({ ...base, files: new SecretFiles(paths.secrets, config.credentialsFolder) });
  const credentials = new ModelCredentials({
    ...base,
    files: credentialFiles,
    own: access,
    changed: (name) => credentialChanged(name),
  });
  const { maxHops, loopLimits, leaseGraceMs, sendRate, crashBackoffMs, operatorPronouns, confirmMs, autoUpdate } = config;
  const disk = new Disk(base);
  const days = new Days(config.timeZone);
  const usage = new UsageToday(store, days, now);
  const metrics = openMetrics(base);
  const { pricesFile, sharesRateLimits } = config;
  const budgets = openBudgets({ ...base, prices, pricesFile, days, sharesRateLimits });
  const broker = new Broker({ ...base, maxHops, loopLimits, leaseGraceMs, sendRate, messageRate: budgets.messageRate });
  const history = new MessageHistory({ ...base, broker });
  const retention = new Retention(store, base);
  const searchIndex = new SearchIndex(base);
  const questions = new Questions({ ...base, broker });
  const announcements = new Announcements({ ...base, broker });
  announceOutcomes(bus, announcements);

  const turns = new Turns({ ...base, store: turnStore(store, feed, retention) });
  const { otlpEndpoint: endpoint } = config;
  const counters = metrics.otlp;
  const telemetry = endpoint === undefined ? undefined : new Telemetry({ ...base, endpoint, hiveId, version: VERSION, counters });
  const { sharedLimit } = budgets;
  const modelUse = new ModelUse({ ...base, turns, usage, broker, budgets: budgets.budgets, sharedLimit, telemetry, metrics });
  const egressRecords = new EgressRecords({ ...base, retention });
  const web = overrides.web ?? theWeb;
  const gateway = openGateway({
    ...base,
    ...access,
    prices,
    secrets,
    credentialOf: (id) => credentials.nameFor(id),
    modelUse,
    turnstile: budgets.turnstile,
    egressRecords,
    web,
  });
  // The repositories come later: they need the broker and the agents. No socket opens before `boot`.
  const sockets = new Sockets({
    ...base,
    gateway,
    giveSocket: (path, operator, user) =>
      w4rden && user.uid !== process.getuid?.() ? w4rden.giveSocket(operator, user.uid) : giveSocket(path, user),
    agentShare: threadShare(sendRate),
    git: { listen: (agent, path) => work.transport.agentGit.listen(agent, path) },
  });

  const sleep = new Sleep({ ...base, broker, afterMs: config.sleepAfterMs });
  const harnesses = new Harnesses({
    ...base,
    operatorPronouns,
    broker,
    turns,
    sleep,
    modelUse,
    budgets: budgets.budgets,
    access,
    reposOf: (agent) => work.assignedTo(agent),
    newsFor: (agent) => work.news.take(agent),
    secretsOf: (agent) => secrets.environmentOf(agent.config),
  });
  const repositories: CageDeps["repositories"] & AgentRepositories = {
    duringStart: (agent, start) => work.duringStart(agent, start),
    complaints: (name, of) => work.complaints(name, of),
    newerThan: (at, of) => work.newerThan(at, of),
    project: (of) => work.project(of),
  };
  const cages = new Cages({ ...base, crashBackoffMs, driver, specs, sockets, broker, turns, announcements, repositories });
  const commands = new AgentCommands({ ...base, cages, harnesses, broker, announcements, removeTree });
  const allStop = new AllStop({ ...base, commands });
  const diskWatch = new DiskWatch({ ...base, cages, bytesOnDisk, everyMs: config.diskCheckMs });

  const confirmations = new Confirmations();
  const included = (repo: string): string[] => store.includes.of(repo).map(({ path }) => path);
  const review = new Review({ ...base, included, models: pricedModels, evaluatesNix: platform.evaluatesNix });
  const mounts = hostMounts({ specs, paths, platform, w4rden });
  const deployParts = { platform, repos, broker, swarm, commands, cages, harnesses, confirmations, announcements, allStop, disk };
  const deploys = openDeploys({
    ...base,
    ...deployParts,
    review,
    mounts,
    specs,
    confirmMs,
    autoUpdate,
    failpoint,
    repositories,
    secrets,
    credentials,
  });
  const migration = openMigration(
    {
      ...base,
      repos,
      swarm,
      bytesOnDisk,
      rebuild: (agent, by) => deploys.autoUpdate.ask(agent, by),
      markNixRead: (tx, id) => void deploys.requestStore.note(tx, id, { nix_read: 1 }),
    },
    { hiveId, paths, flake, hasHelper: w4rden !== undefined },
    config,
    platform,
    overrides.move,
  );

  const { sandboxedRun } = platform;
  const folders = { repos: paths.repos, scratch: paths.repoScratch };
  const git = new GitWorker({ sandboxedRun, owner: gitOwner(specs), ...folders, exportedFolders: w4rden });
  const rehearsed = new RehearsedHost({
    git: new GitWorker({ sandboxedRun, owner: gitOwner(specs), ...folders, repos: paths.rehearsed }),
    folder: paths.rehearsed,
    scratch: paths.repoScratch,
    isOpen: () => access.mode === "rehearsal",
    now,
  });
  const work = openWork({
    ...base,
    rehearsed,
    net: overrides.net ?? theWeb,
    credentials: new Credentials(paths.credentials),
    forgeCredentials: new Credentials(paths.forgeCredentials),
    openEgress: openEgressSocket(web),
    declared,
    broker,
    cages,
    git,
    driver: sideDriver,
    hiveId,
    branchPrefix: config.branchPrefix ?? branchPrefixOf(hiveId),
    runtime,
    failpoint,
    disk,
  });
  // Its row counts the lines that no base has.
  work.changeStore.onChanged(({ state, agent }) => {
    const owner = state === "merged" ? swarm.byId(agent) : undefined;
    if (owner) bus.emit("changed", owner);
  });

  const files = new AgentFiles({ sandboxedRun, paths, program: overrides.reader ?? readerOfRuntime(runtime) });
  const uploads = new Uploads({ files, now });

  const pages = new AgentPages({ ...base, base: config.agentPortBase, bind: pageAddress(config) });
  const urls = { home: "", domain: config.publicUrl?.origin };
  const started_at = instant(now());
  const names = { hivectl: hivectlName(), hivectl_anywhere: hivectlAnywhere(config.checkout) };
  const hive = { id: hiveId, version: VERSION, revision, ...names, started_at, ledger: paths.meta };
  const shown = {
    access,
    usage,
    disk,
    urls,
    driver,
    broker,
    turns,
    pages,
    allStop,
    questions,
    history,
    requests,
    changes,
    repositories: work.repositories,
    budgets,
    secrets,
    credentials,
    modelUse,
  };
  const views = new Views({ ...base, ...shown, hive });
  const repoTokens = new RepoTokens(now);
  const sessions = new Sessions(sessionStore(store, onUnexpected, now), onUnexpected, now);
  // They have no session that ends, so they end with their operator and with its role.
  const proxiedStreams = new Closers<string>();
  const cutStreams = (operator: string): void => {
    sessions.cutStreamsOf(operator);
    proxiedStreams.endOf(operator);
  };
  const passkeys = new Passkeys({ ...base, hiveId, home: () => urls.home, changed: cutStreams });
  const operators = new Operators({
    ...base,
    sockets,
    holdings: [sessions, proxiedStreams, repoTokens, passkeys],
    // The helper says itself whom it gives none.
    ...(w4rden ? { mayGiveTo: () => true } : {}),
    changed: ({ name }) => cutStreams(name),
  });
  const loginCage = { ...base, driver: sideDriver, hiveId, runtime, web, ...overrides.login };
  const modelLogin = new ModelLogin({
    ...base,
    startFlow: (options) => LoginCage.start(loginCage, options),
    removeLeft: () => removeLoginCage(loginCage),
    stored,
    named: {
      checkRoom: (name) => credentials.checkRoom(name),
      keep: async (name, token, by) => void (await credentials.add(name, { token }, by)),
    },
    whyNot: () => access.whyNoLogin,
    onChanged: () => credentialChanged(DEFAULT_CREDENTIAL),
  });
  const backups = new Backups({ hiveId, version: VERSION, paths, store, still: repos.still });

  const agentParts = { swarm, commands, allStop, harnesses, turns, broker, directory, history, searchIndex, questions };
  const hiveParts = {
    deploys,
    migration,
    confirmations,
    repos,
    work,
    files,
    uploads,
    repoTokens,
    backups,
    budgets,
    modelUse,
    store,
    feed,
    views,
    sessions,
    operators,
    passkeys,
    secrets,
    credentials,
    now,
    access,
    modelLogin,
    pages,
    paths,
    urls,
    pricedModels,
    systemLog: systemLogOf(driver, specs),
  };
  const context: HandlerContext = { ...agentParts, ...hiveParts, requestShutdown, onUnexpected };
  const call = openDispatch({ context, disk, retention, metrics, onUnexpected });
  sockets.answerWith(call, (operator, name) => operators.permit(operator, name));

  const closed = [{ stop: () => store.close() }, feed];
  const services = [
    ...closed,
    { stop: () => uploads.stop() },
    budgets.budgets,
    budgets.sharedLimit,
    questions,
    searchIndex,
    retention,
    diskWatch,
    disk,
    migration,
    pages,
    modelLogin,
    telemetry ?? {},
  ];
  const lifecycle = openLifecycle({
    ...base,
    services,
    cages,
    harnesses,
    broker,
    deploys,
    work,
    sockets,
    operators,
    playsTour: access.scenarios.includes(TOUR),
  });
  return { ...context, ...lifecycle, id: hiveId, driver, pages, metrics, call, proxiedStreams };
}
