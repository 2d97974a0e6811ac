import { randomUUID } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { descendants } from "../../src/os/process-tree.ts";
import { hostUid, LOGIN_ORDINAL } from "../../src/platforms/uids.ts";
import { commandLine, IDLE_CLI, TestHive, until } from "../lib/hive.ts";
import { ModelServer } from "../lib/model-server.ts";
import { HostBait } from "./host-bait.ts";
import { programOf } from "./program.ts";
import type { LoginBait, Observation } from "./row.ts";
import { Web } from "./web.ts";
import { backwards } from "./world.ts";

/** The token of an earlier log-in, and a secret of the hive. Both are in the daemon's files only. */
const TOKEN = "sk-ant-oat01-THE-TOKEN-OF-AN-EARLIER-LOG-IN-OF-THIS-HIVE";
const STORED_SECRET = "log-4Wn8JdYs1RkVq6CtHx3zPb5M";
/** The address that the CLI shows at the end, as it would without an attacker. */
export const REAL_ADDRESS = "https://claude.ai/oauth/authorize?the-real-one";

/**
 * In the place of the CLI: a log-in runs the attacker's program, everything else the CLI. At the end it shows the address
 * of the provider, and waits as the CLI does.
 */
const TAKEN_OVER = `#!/bin/sh
[ "$1" = setup-token ] || exec /opt/hive/bin/claude.real "$@"
/opt/hive/bin/node /opt/hive/bin/attack.mjs /opt/hive/bin/bait.json /state/result.json login
printf '\\033]8;;${REAL_ADDRESS}\\007'
exec cat > /dev/null
`;

/** A hive with a log-in to the model, whose next log-in runs a CLI that has been taken over. */
export class LoginPlace {
  readonly hive: TestHive;
  readonly host: HostBait;
  readonly #model: ModelServer;
  readonly #web: Web;
  /** The address that the operator was shown. */
  shown = "";
  /** The users of the host that the processes of the cage were. */
  uids: number[] = [];

  private constructor(parts: { hive: TestHive; model: ModelServer; web: Web; host: HostBait }) {
    this.hive = parts.hive;
    this.host = parts.host;
    this.#model = parts.model;
    this.#web = parts.web;
  }

  static async start(): Promise<LoginPlace> {
    const model = await new ModelServer([{ when: { text: "." }, steps: [{ say: "noted" }] }]).start();
    const hive = new TestHive({ ...IDLE_CLI, HIVE_REHEARSAL: "0", HIVE_UPSTREAM_URL: model.url });
    const web = await Web.start(hive.folder);
    Object.assign(hive.env, web.env);
    mkdirSync(hive.stateDir, { mode: 0o750 });
    writeFileSync(join(hive.stateDir, "model-login.json"), JSON.stringify({ token: TOKEN, by: "operator", at: 1 }), {
      mode: 0o600,
    });
    const place = new LoginPlace({ hive, model, web, host: await HostBait.start() });
    try {
      await hive.start();
      return place;
    } catch (error) {
      await place.stop();
      throw error;
    }
  }

  /** Sets out the bait: the listeners of the host, a secret and another agent. */
  async bait(): Promise<Omit<LoginBait, "rows">> {
    const { hive, host } = this;
    await hive.call("secret_set", { name: "STORED", value: STORED_SECRET });
    await hive.call("spawn", { name: "victim" });
    const { id } = await hive.untilAgent("victim", ({ state }) => state === "idle");
    const hostFile = join(hive.folder, "operator.txt");
    writeFileSync(hostFile, "a file of the operator", { mode: 0o644 });
    return {
      host: { port: host.port, address: host.address },
      abstractName: host.abstractName,
      dashboardPort: Number(new URL(hive.home).port),
      hostFile,
      stateDir: hive.stateDir,
      secretBackwards: backwards(TOKEN),
      doorSecretBackwards: backwards(STORED_SECRET),
      victimSecretBackwards: backwards("there is no such secret in this hive"),
      victim: { name: "victim", id, pid: (await hive.cage("victim")).init },
      token: `planted-${randomUUID()}`,
    };
  }

  /** Begins a log-in that carries out every attempt, and cancels it. Resolves with what came of each attempt, by row. */
  async attack(bait: LoginBait): Promise<Record<string, Observation>> {
    const { hive } = this;
    await this.#takeOver(bait);
    const { login, url } = await hive.call("model_login_start", {});
    this.shown = url;
    // A daemon that shows another address does so before the attempts are over.
    const result = join(hive.stateDir, "login/home/result.json");
    await until(() => existsSync(result));
    const seen = JSON.parse(readFileSync(result, "utf8")) as Record<string, Observation>;
    const { init } = JSON.parse(readFileSync(join(hive.stateDir, "login/cage/cage.json"), "utf8")) as { init: { pid: number } };
    this.uids = [init.pid, ...descendants(init.pid)].map((pid) => statSync(`/proc/${pid}`).uid);
    await hive.call("model_login_cancel", { login });
    return seen;
  }

  /** Puts the attacker's program in the place of the CLI. Cages see the folder of the runtime. */
  async #takeOver(bait: LoginBait): Promise<void> {
    const runtimes = join(this.hive.stateDir, "runtime");
    const bin = join(runtimes, readdirSync(runtimes)[0] ?? "", "bin");
    writeFileSync(join(bin, "attack.mjs"), await programOf("main.ts"), { mode: 0o644 });
    writeFileSync(join(bin, "bait.json"), JSON.stringify(bait), { mode: 0o644 });
    // Not written into: it may be a link to the checkout's own.
    renameSync(join(bin, "claude"), join(bin, "claude.real"));
    writeFileSync(join(bin, "claude"), TAKEN_OVER, { mode: 0o755 });
  }

  /** Processes of the host whose arguments have this text. */
  processesWith(text: string): number[] {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => commandLine(pid).includes(text));
  }

  /** The user of the host that a log-in is. */
  async loginUid(): Promise<number> {
    return hostUid((await this.hive.call("state", { messages: 0 })).state.hive.id, LOGIN_ORDINAL);
  }

  /** The token that the daemon keeps. */
  storedToken(): string {
    return (JSON.parse(readFileSync(join(this.hive.stateDir, "model-login.json"), "utf8")) as { token: string }).token;
  }

  /** Throws unless the token of the earlier log-in is the one that the daemon keeps. */
  checkToken(): void {
    if (this.storedToken() !== TOKEN) throw new Error("the daemon keeps another token");
  }

  /** Throws if a file of the log-in is left. */
  checkGone(): void {
    for (const path of [join(this.hive.stateDir, "login"), join(this.hive.stateDir, "run/login")])
      if (lstatSync(path, { throwIfNoEntry: false })) throw new Error(`${path} is left`);
  }

  async stop(): Promise<void> {
    await this.hive.dispose();
    await Promise.all([this.#model.stop(), this.#web.stop(), this.host.stop()]);
  }
}
