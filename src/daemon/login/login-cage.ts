import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { EGRESS_PRESETS } from "../../gateway/egress/presets.ts";
import type { EgressRecord } from "../../gateway/egress/proxy.ts";
import type { Paths } from "../../lib/paths.ts";
import { CAGE_PATH } from "../../os/launch-env.ts";
import { removeTree } from "../../os/remove-tree.ts";
import { CAGE_HOME } from "../../platforms/bwrap/spec.ts";
import type { CageExit, CageSpec, Driver } from "../../platforms/port.ts";
import { LOGIN_ORDINAL } from "../../platforms/uids.ts";
import { openEgressSocket, type Web } from "../egress-socket.ts";
import { giveToGroup } from "../give-to-group.ts";
import type { LoginFlow } from "./login-flow.ts";
import { Screen } from "./screen.ts";

/** What the flow may use: one CLI, which takes 200 MiB, and its runtime. Bytes, percent of a processor, processes. */
const LIMITS = { memoryBytes: 2048 * 1024 * 1024, cpuPercent: 200, pids: 128 };

export interface LoginCageDeps {
  driver: Driver;
  hiveId: string;
  runtime: { revision: string; dir: string };
  paths: Pick<Paths, "loginCage" | "loginSockets">;
  web: Web;
  /** Certificates that the CLI trusts besides its own. Tests give that of their stand-in. */
  trust?: string;
  onUnexpected(error: unknown): void;
}

/**
 * A cage in which the CLI runs its log-in flow, and nothing else. It has a uid that no agent has, an empty home, and two
 * sockets: a proxy to the hosts of the preset `claude-login`, and the flow's terminal.
 */
export class LoginCage implements LoginFlow {
  readonly screen = new Screen();
  readonly ended: Promise<CageExit>;
  readonly #deps: LoginCageDeps;
  readonly #terminal: Socket;
  readonly #close: () => Promise<void>;

  private constructor(deps: LoginCageDeps, parts: { ended: Promise<CageExit>; terminal: Socket; close: () => Promise<void> }) {
    this.#deps = deps;
    this.#terminal = parts.terminal;
    const closed = new Promise((resolve) => parts.terminal.once("close", resolve));
    this.ended = Promise.all([parts.ended, closed]).then(([exit]) => exit);
    this.#close = parts.close;
    this.#terminal.on("data", (bytes: Buffer) => this.screen.add(bytes));
  }

  /**
   * Starts the flow. Rejects if the cage cannot be built or ends before the flow begins, and when `signal` aborts before
   * then; nothing is left in these cases.
   */
  static async start(
    deps: LoginCageDeps,
    { onRecord, signal }: { onRecord(record: EgressRecord): void; signal: AbortSignal },
  ): Promise<LoginCage> {
    await removeLoginCage(deps);
    const servers: Server[] = [];
    const close = async (): Promise<void> => {
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    };
    const { driver, paths } = deps;
    const spec = await specOf(deps);
    let egress;
    try {
      await driver.prepare(spec);
      egress = await openEgressSocket(deps.web)({
        path: join(paths.loginSockets, "egress.sock"),
        identity: spec.identity,
        id: spec.agentId,
        hosts: EGRESS_PRESETS["claude-login"],
        onRecord,
      });
      const { server, connected } = await listenOnce(join(paths.loginSockets, "login.sock"));
      servers.push(server);
      giveToGroup(join(paths.loginSockets, "login.sock"), spec.identity, 0o660);
      const cage = await driver.start(spec);
      const terminal = await Promise.race([
        connected,
        aborted(signal),
        cage.exited.then(({ reason, code }) => {
          throw new Error(`the cage of the log-in ended: ${reason ?? `exit code ${code ?? "unknown"}`}`);
        }),
      ]);
      const proxy = egress;
      return new LoginCage(deps, {
        ended: cage.exited,
        terminal,
        close: async () => {
          terminal.destroy();
          await Promise.all([proxy.close(), close()]);
        },
      });
    } catch (error) {
      await Promise.all([egress?.close(), close()]);
      await removeLoginCage(deps).catch(deps.onUnexpected);
      throw error;
    }
  }

  until<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const again = (): void => {
        const found = look();
        if (found === undefined) return;
        this.#terminal.off("data", again);
        resolve(found);
      };
      this.#terminal.on("data", again);
      again();
    });
  }

  async enter(text: string): Promise<void> {
    const shown = new Promise((resolve) => this.#terminal.once("data", resolve));
    this.#terminal.write(`\x1b[200~${text}\x1b[201~`);
    await shown;
    this.#terminal.write("\r");
  }

  async remove(): Promise<void> {
    await this.#close();
    await removeLoginCage(this.#deps);
  }
}

const placeOf = ({
  hiveId,
  paths,
}: Pick<LoginCageDeps, "hiveId" | "paths">): Pick<CageSpec, "cageDir" | "hiveId" | "agentId"> => ({
  cageDir: join(paths.loginCage, "cage"),
  hiveId,
  agentId: "login",
});

/** Ends a log-in that an earlier daemon has left, and removes its files. */
export async function removeLoginCage(deps: Pick<LoginCageDeps, "driver" | "hiveId" | "paths">): Promise<void> {
  await deps.driver.destroy(placeOf(deps));
  await removeTree(deps.paths.loginCage);
  await rm(deps.paths.loginSockets, { recursive: true, force: true });
}

/** Makes the folders of the cage, and describes it. */
async function specOf(deps: LoginCageDeps): Promise<CageSpec> {
  const { driver, hiveId, runtime, paths } = deps;
  const top = paths.loginCage;
  const config = join(top, "config");
  await mkdir(config, { recursive: true, mode: 0o755 });
  await chmod(config, 0o755);
  if (deps.trust !== undefined) await writeFile(join(config, "trust.pem"), deps.trust, { mode: 0o644 });
  const identity = driver.identityFor(hiveId, LOGIN_ORDINAL);
  await mkdir(paths.loginSockets, { recursive: true, mode: 0o750 });
  giveToGroup(paths.loginSockets, identity, 0o750);
  return {
    ...placeOf(deps),
    name: "login",
    role: "agent",
    generation: 0,
    revision: runtime.revision,
    runtimeDir: runtime.dir,
    socketsDir: paths.loginSockets,
    claudeDir: join(top, "claude"),
    stateDir: join(top, "home"),
    workspacesDir: join(top, "work"),
    configDir: config,
    extraBinds: [],
    logFile: join(top, "cage.log"),
    env: {
      PATH: CAGE_PATH,
      HOME: CAGE_HOME,
      LANG: "C.UTF-8",
      TERM: "xterm-256color",
      TMPDIR: "/tmp",
      // The flow prints the address at once if no browser starts.
      BROWSER: "/bin/false",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_AUTOUPDATER: "1",
      ...(deps.trust === undefined ? {} : { NODE_EXTRA_CA_CERTS: "/config/trust.pem" }),
    },
    argv: ["/opt/hive/bin/hive-ag3nt", "login"],
    limits: LIMITS,
    identity,
  };
}

/** Rejects with the reason when the signal aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
  });
}

/** A socket that takes one connection. */
async function listenOnce(path: string): Promise<{ server: Server; connected: Promise<Socket> }> {
  const server = createServer();
  server.maxConnections = 1;
  const connected = new Promise<Socket>((resolve) =>
    server.once("connection", (socket) => {
      // Its end shows in the end of the cage.
      socket.on("error", () => socket.destroy());
      resolve(socket);
    }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return { server, connected };
}
