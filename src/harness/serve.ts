import { SerialQueue } from "../lib/serial-queue.ts";
import { join } from "node:path";
import type { HarnessPush } from "../wire/harness.ts";
import { MAX_DELTA_CHARS } from "../wire/limits.ts";
import { openBridge } from "./bridge.ts";
import { openClaude } from "./cli/claude/open.ts";
import type { AgentCli } from "./cli/port.ts";
import { fullCommit } from "./commit.ts";
import type { HarnessConfig } from "./config.ts";
import { Denials } from "./denials.ts";
import { finishTurn } from "./finish.ts";
import { Leases } from "./leases.ts";
import { Link, type Assignment, type LinkEnd } from "./link.ts";
import { Residents } from "./mcp/resident.ts";
import { picturesOf } from "./pictures.ts";
import { doorVariables, proxyEnvironment } from "./proxy-environment.ts";
import { Spool } from "./spool.ts";
import { CANCELLED, INTERRUPTED } from "./stop-words.ts";
import { TurnLoop } from "./turn-loop.ts";
import { allRefs } from "./workspace/clone.ts";
import { includedFiles } from "./workspace/include.ts";
import { workDone } from "./workspace/work-done.ts";
import { WorkReports } from "./workspace/work-reports.ts";
import { Workspaces } from "./workspace/workspaces.ts";

/** Exit codes. They differ so that the daemon and people can tell the ends apart. */
export const EXIT = { ok: 0, crash: 1, usage: 2, refused: 3 } as const;
/** Pause before an end that the daemon could not store is sent again. Milliseconds. */
const RETRY_FINISH_MS = 1_000;

const log = (words: string): void => void process.stderr.write(`${new Date().toISOString()} ${words}\n`);
/** Logs the failure of work that is not awaited. */
const failed =
  (what: string) =>
  (error: unknown): void =>
    log(`${what}: ${error instanceof Error ? error.message : String(error)}`);

/**
 * The harness: connects to the daemon, gets its assignment, and runs turn after turn until the daemon asks it to sleep
 * or stop, or has been away for too long. Resolves with the exit code.
 */
export async function serve(config: HarnessConfig): Promise<number> {
  const leases = new Leases();
  let assignment: Assignment | undefined;
  let assigned!: (assignment: Assignment) => void;
  const firstAssignment = new Promise<Assignment>((resolve) => (assigned = resolve));
  /** Pushes that arrived before the harness was ready. They are handled when it is. */
  const early: HarnessPush[] = [];
  let onPush: (push: HarnessPush) => void = (push) => void early.push(push);

  const link = new Link({
    socket: join(config.socketsDir, "mcp.sock"),
    revision: config.revision,
    generation: config.generation,
    protocol: config.protocol,
    awayMs: config.awayMs,
    state: () => ({ leases: leases.list(), busy: loop.current !== undefined, residentServers: residents?.count ?? 0 }),
    onAssigned(given) {
      log(`hello answered: ${given.agent.name}, protocol ${given.protocol}`);
      leases.keep(given.leases);
      loop.setNextTurn(given.next_turn);
      assignment = given;
      workspaces?.assigned(given.repos);
      reports?.assigned(given.watched);
      assigned(given);
    },
    onPush: (push) => onPush(push),
  });

  const spool = new Spool(async (events) => (await link.call("publish", { events })).confirmed_n);
  let residents: Residents | undefined;
  let workspaces: Workspaces | undefined;
  let reports: WorkReports | undefined;
  let cli: AgentCli | undefined;
  const denials = new Denials();
  /** Serialises turns and the operator's commands, because the CLI does one thing at a time. */
  const toCli = new SerialQueue();
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => toCli.run(step);
  const leaving = new AbortController();

  const loop = new TurnLoop({
    async next() {
      const work = await link.call("next", {}, leaving.signal);
      if (work.message && work.token !== undefined)
        leases.add({ id: work.message.id, token: work.token, from: work.message.from });
      return work;
    },
    async finish(turn, outcome) {
      await finishTurn(turn, outcome, {
        report: async (of, end) => void (await link.call("finish", { turn: of, outcome: end })),
        pause: () => new Promise((resolve) => setTimeout(resolve, RETRY_FINISH_MS)),
        log,
      });
      leases.clear();
      reports?.turnEnded();
    },
    emit: (event) => spool.add(event),
    flushed: () => spool.flushed(),
    prompt: (text, message) => inTurn(async () => theCli().prompt(text, await picturesOf(message))),
    compact: () => inTurn(() => theCli().compact()),
    newSession: () => inTurn(() => theCli().newSession()),
    now: () => Math.round(performance.now()),
  });
  const theCli = (): AgentCli => {
    if (!cli) throw new Error("a prompt before the first hello");
    return cli;
  };

  const started = await Promise.race([firstAssignment, link.ended]);
  if ("kind" in started) return endOfLink(started);
  const [model, egress, git] = await Promise.all(
    ["model.sock", "egress.sock", "git.sock"].map((name) => openBridge(join(config.socketsDir, name))),
  );
  if (!model || !egress || !git) throw new Error("a bridge is missing");
  const egressUrl = `http://127.0.0.1:${egress.port}`;
  const first = started;

  const programEnv = {
    HOME: config.home,
    PATH: `/opt/hive/bin:${config.path}`,
    LANG: "C.UTF-8",
    TMPDIR: "/tmp",
    ...proxyEnvironment(egressUrl, first.config.env),
  };
  // Those of the first hello: a running cage keeps what it was started with.
  const granted = { ...first.secrets, ...doorVariables(first.config.apis, egressUrl) };
  const gitEnv = { ...first.config.env, ...granted, ...programEnv };
  const clones = new Workspaces(
    {
      root: config.workspacesDir,
      notes: config.workDir,
      objects: join(config.socketsDir, "objects"),
      port: git.port,
      env: gitEnv,
      refs: (repo) => allRefs((after) => link.call("refs", { repo, after }, leaving.signal)),
      included: (repo) => includedFiles(async (after) => (await link.call("included", { repo, after }, leaving.signal)).file),
      report: (workspace) => void link.call("report", { workspace }).catch(failed("the workspace was not reported")),
      log,
    },
    (assignment ?? first).repos,
  );
  workspaces = clones;
  const work = new WorkReports({
    measure: () => workDone((assignment ?? first).repos, { root: config.workspacesDir, env: gitEnv }),
    report: (done) => void link.call("report", { work: done }).catch(failed("the work was not reported")),
    now: () => performance.now(),
    after(ms, run) {
      const timer = setTimeout(run, ms).unref();
      return () => clearTimeout(timer);
    },
  });
  work.watched((assignment ?? first).watched);
  reports = work;
  const running = new Residents(first.config.extraMcpServers, { ...granted, ...programEnv }, log);
  residents = running;
  running.start().catch(failed("resident servers"));
  const host = {
    call: link.call.bind(link),
    leased: leases.add.bind(leases),
    messageFrom: leases.from.bind(leases),
    fullCommit: (agent: string, commit: string) => fullCommit(agent, commit, config.path, config.home),
  };
  const { mcpServers } = await import("./mcp/in-process.ts");
  cli = openClaude({
    config,
    assignment: () => assignment ?? first,
    workDir: () => clones.cwd(),
    servers: () => mcpServers(first.agent.role, first.config, host, running),
    modelUrl: `http://127.0.0.1:${model.port}`,
    egressUrl,
    granted,
    denied: () => denials.take(),
    sink: {
      emit(event) {
        spool.add(event);
        if (event.type === "tool_result" && (assignment ?? first).repos.length > 0) work.changed();
      },
      delta: ({ kind, text }) => {
        for (let at = 0; at === 0 || at < text.length; at += MAX_DELTA_CHARS)
          link.notify("delta", { kind, text: text.slice(at, at + MAX_DELTA_CHARS) });
      },
      session: (id) => void link.call("report", { session_id: id }).catch(failed("the session was not stored")),
      compacting: (now) =>
        void link.call("report", { activity: now ? "compacting" : loop.current ? "thinking" : "idle" }).catch(failed("report")),
    },
    log,
  });

  const leave = (): void => {
    loop.leaving = true;
    leaving.abort();
  };
  onPush = (push) => {
    switch (push.push) {
      case "cancel":
        if (loop.cancel({ return: push.return })) theCli().cancel(CANCELLED).catch(failed("cancel"));
        return;
      case "compact":
        inTurn(() => theCli().compact())
          .then((end) => {
            if (end.kind !== "ok") spool.add({ type: "note", level: "error", text: `compacting failed: ${end.reason}` });
          })
          .catch(failed("compact"));
        return;
      case "model":
        inTurn(() => theCli().setModel(push.model)).catch(failed("model"));
        return;
      case "new_session":
        inTurn(() => theCli().newSession()).catch(failed("new session"));
        return;
      case "workspace":
        clones.answer(push.answer, push.repos);
        return;
      case "denied":
        denials.add(push.words);
        return;
      case "watched":
        work.watched(push.watched);
        return;
      case "shutdown":
        leave();
        if (push.graceful) return;
        loop.interrupt();
        theCli().cancel(INTERRUPTED).catch(failed("shutdown"));
        return;
    }
  };
  for (const push of early) onPush(push);
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, leave);
  const cwdAtStart = clones.cwd();
  // A generation on trial proves that it can run a turn: the CLI starts with its config before it is confirmed.
  if (config.nonce !== undefined) {
    const { nonce } = config;
    const tried = await inTurn(() => theCli().start());
    if ("servers" in tried) await link.call("report", { servers: tried.servers }).catch(failed("report"));
    await link.call("confirm", "servers" in tried ? { nonce } : { nonce, refused: tried.reason }).catch(failed("confirm"));
  }

  const turns = async (): Promise<void> => {
    // The process of the trial began outside the clone, so no turn can use it. It would only take the processor from
    // the checkout: a CLI works on for some time after it has answered.
    if (clones.isFirstMissing()) await inTurn(() => theCli().end());
    await clones.ready(leaving.signal);
    if ((assignment ?? first).repos.length > 0) work.changed();
    const from = clones.movedFrom();
    if (from !== undefined && (assignment ?? first).session_id !== undefined) {
      loop.sessionReplaced = true;
      spool.add({
        type: "note",
        level: "warn",
        text: `turns begin in ${clones.cwd()} now, not in ${from}: a new session begins`,
      });
      await inTurn(() => theCli().newSession());
    }
    // A command of the operator may have started one meanwhile.
    else if (clones.cwd() !== cwdAtStart) await inTurn(() => theCli().end());
    await loop.run();
  };
  const end = await Promise.race([
    turns().then(
      () => ({ kind: "done" as const }),
      (error: unknown) => (leaving.signal.aborted ? { kind: "done" as const } : { kind: "failed" as const, error }),
    ),
    link.ended,
  ]);
  await Promise.race([Promise.all([cli.end(), work.settle()]), new Promise((resolve) => setTimeout(resolve, RETRY_FINISH_MS))]);
  await running.close();
  model.close();
  egress.close();
  git.close();
  link.close();
  if (end.kind === "done") {
    log("the harness ends");
    return EXIT.ok;
  }
  if (end.kind === "failed") {
    log(`the turn loop failed: ${end.error instanceof Error ? (end.error.stack ?? end.error.message) : String(end.error)}`);
    return EXIT.crash;
  }
  return endOfLink(end);
}

function endOfLink(end: LinkEnd): number {
  if (end.kind === "unreadable") {
    log(end.reason);
    return EXIT.refused;
  }
  if (end.kind === "refused") {
    log(`the daemon refused this harness: ${end.reason}`);
    return EXIT.refused;
  }
  log(end.kind === "away" ? "the daemon did not return: the harness ends" : "the link was closed");
  return EXIT.ok;
}
