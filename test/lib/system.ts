import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { readConfig } from "../../src/daemon/config.ts";
import type { Overrides } from "../../src/daemon/system-deps.ts";
import { openSystem, type System } from "../../src/daemon/system.ts";
import type { CallerContext } from "../../src/daemon/handlers/types.ts";
import { Paths } from "../../src/lib/paths.ts";
import { operations, type Input, type OperationName, type Output } from "../../src/wire/operations.ts";
import type { CageExit, Driver } from "../../src/platforms/port.ts";
import { prepareDatabase } from "./store.ts";

interface Options extends Overrides {
  /** The hive continues with the content of this folder, and leaves it. By default the folder is new and is removed. */
  folder?: string;
  onFatal?(error: Error): void;
  /** Settings of the daemon, besides the test's own. */
  settings?: NodeJS.ProcessEnv;
}

/**
 * The daemon's own composition in this process, without its programs: the real store, repositories, requests and deploys.
 * A cage that is started confirms at once. Deploys of an earlier system in the folder are recovered; nothing else is
 * started. The parts of the deploys are at the top, because most tests are about them.
 */
export async function openTestSystem({ folder, onFatal, settings, ...overrides }: Options = {}) {
  const top = folder ?? mkdtempSync(join(tmpdir(), "system-"));
  const state = join(top, "s");
  const paths = new Paths(state, join(state, "run"));
  paths.prepare();
  // A caller's own folder may lose its power: only SQLite syncs what it makes there.
  if (folder === undefined) prepareDatabase(paths.database);
  const unexpected: unknown[] = [];
  const system: System = await openSystem({
    config: readConfig(
      { HIVE_STATE_DIR: state, HIVE_REHEARSAL: "1", HIVE_AGENT_PORTS: "off", ...settings },
      { foreground: true },
    ),
    paths,
    log: pino({ level: "silent" }),
    requestShutdown() {},
    onFatal(error) {
      if (onFatal) return onFatal(error);
      throw error;
    },
    overrides: {
      runtime: { revision: "r1", dir: state },
      onUnexpected: (error) => void unexpected.push(error),
      ...overrides,
      platform: {
        driver: confirmingDriver((agent, nonce) => system.confirmations.confirm(agent, nonce)),
        ...overrides.platform,
      },
    },
  });
  const recovered = await system.deploys.recover();
  const operator: CallerContext = {
    kind: "operator",
    get operator() {
      return system.operators.host;
    },
    ended: new AbortController().signal,
  };
  return {
    ...system,
    ...system.deploys,
    system,
    recovered,
    unexpected,
    /** The caller at host.sock. */
    operator,
    /** Calls an operation as its sockets do: parsed first, and the answer parsed as a client would. */
    async callAs<N extends OperationName>(caller: CallerContext, name: N, input: Input<N>): Promise<Output<N>> {
      const answer = system.call(name, operations[name].input.parse(input) as never, caller);
      if (typeof answer !== "function") throw new Error(`${name} is a stream`);
      const output = await new Promise<object>((resolve, reject) => answer(resolve, reject));
      return operations[name].output.parse(output) as Output<N>;
    },
    async close(): Promise<void> {
      await system.close();
      if (folder === undefined) rmSync(top, { recursive: true, force: true });
    },
  };
}

export type TestSystem = Awaited<ReturnType<typeof openTestSystem>>;

/** A driver of cages without a process: each confirms its generation at once, and ends when it is killed. */
function confirmingDriver(confirm: (agent: string, nonce: string) => void): Driver {
  return {
    name: "confirming",
    cannot: () => [],
    identityFor: () => ({ kind: "user-namespace", uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }),
    prepare: async () => {},
    adopt: async () => null,
    destroy: async () => {},
    async start({ agentId, env }) {
      const exit = Promise.withResolvers<CageExit>();
      const { HIVE_NONCE: nonce } = env;
      if (nonce !== undefined) setImmediate(() => confirm(agentId, nonce));
      return {
        init: { pid: 0, startTime: 0 },
        exited: exit.promise,
        kill: async () => exit.resolve({ code: 0 }),
        memoryBytes: () => undefined,
      };
    },
  };
}
