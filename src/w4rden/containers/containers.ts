import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { identify } from "../../os/process-id.ts";
import { KEEP_LOG, LOG_BYTES } from "../../os/keep-log.ts";
import type { ContainerStartRequest } from "../../wire/w4rden.ts";
import type { VerbContext } from "../context.ts";
import { isWithin } from "../mounts-list.ts";
import { Refusal } from "../refusal.ts";
import { containerConf, type ContainerBind } from "./conf.ts";
import { closeFolders, openFolders, type CheckedFolder } from "./folders.ts";
import { successOf, type ContainersHost } from "./host.ts";
import { containerName } from "./name.ts";
import type { HiveContainers, StartedContainer } from "./port.ts";
import { ContainerRecords } from "./records.ts";
import { openSource } from "./source.ts";
import {
  KEEPER_FOLDER,
  LOG_PIPE,
  OPENED_FILE,
  endScript,
  logUnitOf,
  parseUnit,
  unitOf,
  unitSettings,
  type UnitState,
} from "./unit.ts";

/** The user that an agent is in its container. */
const CAGE_UID = 1000;
/** Where a container has the pipe that its program prints into. */
const PIPE_IN_CAGE = "/run/hive-cage/log";
/** Bytes of the root folder of a container. Activation of a NixOS system and its journal take a tenth of it. */
const ROOT_BYTES = 64 * 1024 ** 2;
/** Lines of the journal in the words of a refusal. */
const REASON_LINES = 12;

/** Keeps the log of a container: arguments are the folder for its marks, the log's folder and name, and its size. */
const KEEPER = `set -u
marks=$1 log=$3 whole=$4
cd "$2"
exec < "$5"
trap '' TERM
: > "$marks/${OPENED_FILE}"
${KEEP_LOG}
keep_log 2> /dev/null
`;

/**
 * The containers of one hive. Names, files, users and commands are the helper's own: a request gives the agent, the
 * folders, which are checked, the system, and numbers. Work on one container is done one request after the other.
 */
export class Containers implements HiveContainers {
  readonly #host: ContainersHost;
  readonly #hiveId: string;
  readonly #context: VerbContext;
  readonly #records: ContainerRecords;
  readonly #work = new Map<string, Promise<unknown>>();

  constructor(host: ContainersHost, hiveId: string, context: VerbContext) {
    this.#host = host;
    this.#hiveId = hiveId;
    this.#context = context;
    this.#records = new ContainerRecords(context.etc);
  }

  start(request: ContainerStartRequest): Promise<StartedContainer> {
    return this.#alone(request.agent, (name) => this.#start(name, request));
  }

  kill(agent: string): Promise<void> {
    return this.#alone(agent, async (name) => {
      if (!this.#isOwn(name, agent)) return;
      const { mainPid } = await this.#unit(name);
      const init = mainPid === undefined ? undefined : firstChild(mainPid);
      // Every process of the container ends with its first one, and systemd-nspawn then clears up after it.
      if (init !== undefined) await this.#host.run("kill", ["-KILL", String(init)]);
      successOf(`stop ${name}`, await this.#host.run("systemctl", ["stop", unitOf(name)]));
      // It has ended by itself if the container has had time to.
      await this.#host.run("systemctl", ["stop", logUnitOf(name)]);
      // A failed unit would be listed for ever.
      await this.#host.run("systemctl", ["reset-failed", unitOf(name)]);
      this.#unbindAll(name);
    });
  }

  destroy(agent: string): Promise<void> {
    return this.#alone(agent, async (name) => {
      if (!this.#isOwn(name, agent)) return;
      if ((await this.#unit(name)).isActive) throw new Refusal(`the container ${name} of the agent ${agent} runs: stop it first`);
      this.#clean(name);
      successOf(`nixos-container destroy ${name}`, await this.#host.run("nixos-container", ["destroy", name]));
      for (const path of [this.#folder(name), this.#settings(name)]) rmSync(path, { recursive: true, force: true });
      await this.#host.run("systemctl", ["daemon-reload"]);
      this.#records.remove(name);
    });
  }

  logs(agent: string, lines: number, follow: boolean): [program: string, argv: string[]] {
    const name = containerName(this.#hiveId, agent);
    if (!this.#isOwn(name, agent)) throw new Refusal(`the agent ${agent} has no container`);
    return this.#host.command("journalctl", journalOf(name, lines, follow));
  }

  async #start(name: string, request: ContainerStartRequest): Promise<StartedContainer> {
    const { agent, uid, system, log } = request;
    const { range } = this.#context;
    if (uid < range.first || uid >= range.first + range.count) throw new Refusal(`uid ${uid} is not one of this hive's`);
    const lacks = await this.#host.lacks();
    if (lacks !== undefined) throw new Refusal(`the folders of a container are id-mapped: ${lacks}`);
    this.#checkLog(log);
    this.#checkSystem(system);
    if (!this.#records.find(name) && existsSync(this.#conf(name)))
      throw new Refusal(`${this.#conf(name)} is there, and no hive has made it: remove that container, or rename it`);
    const { first_uid } = this.#records.open(name, { hive_id: this.#hiveId, agent, uid }, (first) => this.#host.isTaken(first));
    if ((await this.#unit(name)).isActive) throw new Refusal(`the container ${name} of the agent ${agent} runs already`);
    this.#clean(name);
    const open = openFolders(request, first_uid, this.#context, this.#host.root);
    try {
      const binds = this.#bind(name, open);
      await this.#setSystem(name, system);
      await this.#makeRoot(name);
      await this.#makePipe(name, first_uid + CAGE_UID);
      this.#configure(name, request, first_uid, binds);
      successOf("systemctl daemon-reload", await this.#host.run("systemctl", ["daemon-reload"]));
      await this.#keepLog(name, log);
      return await this.#boot(name);
    } catch (error) {
      await this.#host.run("systemctl", ["stop", unitOf(name), logUnitOf(name)]);
      this.#unbindAll(name);
      throw error;
    } finally {
      closeFolders(open);
    }
  }

  async #boot(name: string): Promise<StartedContainer> {
    const folder = this.#folder(name);
    const started = await this.#host.run("nixos-container", ["start", name]);
    const hasRun = existsSync(join(folder, KEEPER_FOLDER, OPENED_FILE));
    if (started.code !== 0 && !hasRun) {
      const { stdout } = await this.#host.run("journalctl", journalOf(name, REASON_LINES, false));
      throw new Refusal(`the container ${name} does not start: ${stdout.trim() || started.stderr.trim()}`);
    }
    const { mainPid } = await this.#unit(name);
    return { folder, pid: mainPid === undefined ? undefined : firstChild(mainPid) };
  }

  /** Binds each folder on a mount point of its own, in the order of the request. */
  #bind(name: string, open: readonly CheckedFolder[]): ContainerBind[] {
    const folder = join(this.#folder(name), "binds");
    // Root's alone: in the host's namespace others could pass through a folder of the hive here.
    mkdirSync(folder, { mode: 0o700 });
    return open.map(({ source, cage, bind }, index) => {
      const target = join(folder, String(index));
      if (source.stat.isDirectory()) mkdirSync(target);
      else writeFileSync(target, "");
      this.#host.bind(source, target, bind);
      return { source: target, target: cage, mode: bind.mode };
    });
  }

  /** Makes the system the container's, as an entry of its profile, which keeps it from the garbage collector. */
  async #setSystem(name: string, system: string): Promise<void> {
    const host = this.#host;
    if (existsSync(this.#conf(name))) {
      const profile = join(host.profiles, name, "system");
      successOf("nix-env --set", await host.run("nix-env", ["-p", profile, "--set", system]));
      return;
    }
    const made = await host.run("nixos-container", ["create", name, "--system-path", system]);
    // A failed one leaves its configuration.
    if (made.code !== 0) await host.run("nixos-container", ["destroy", name]);
    successOf(`nixos-container create ${name}`, made);
  }

  /**
   * Makes the root folder of a container anew: everything that lasts is in its binds. The container's root can write there,
   * and the start script of NixOS, as root of the host, would follow a link: it sets modes of folders in it. It is in
   * memory, so it is bounded, and counts as the container's.
   */
  async #makeRoot(name: string): Promise<void> {
    const root = join(this.#host.roots, name);
    successOf(`rm ${root}`, await this.#host.run("rm", ["--recursive", "--force", "--one-file-system", root]));
    successOf(`mkdir ${root}`, await this.#host.run("mkdir", ["--parents", root]));
    const options = `mode=755,nosuid,nodev,size=${ROOT_BYTES}`;
    successOf(`mount ${root}`, await this.#host.run("mount", ["-t", "tmpfs", "-o", options, "hive-root", root]));
  }

  /** The pipe belongs to the program, which writes, and to the daemon's group, as which the log is kept. */
  async #makePipe(name: string, writer: number): Promise<void> {
    const { account } = this.#context;
    const folder = this.#folder(name);
    const pipe = join(folder, LOG_PIPE);
    successOf("mkfifo", await this.#host.run("mkfifo", ["-m", "0240", pipe]));
    this.#host.give(pipe, writer, account.gid);
    mkdirSync(join(folder, KEEPER_FOLDER), { mode: 0o755 });
    this.#host.give(join(folder, KEEPER_FOLDER), account.uid, account.gid);
  }

  #configure(name: string, request: ContainerStartRequest, firstUid: number, binds: readonly ContainerBind[]): void {
    const folder = this.#folder(name);
    const { system, hostname, memory_bytes: memoryBytes, cpu_percent: cpuPercent, pids } = request;
    const pipe = { source: join(folder, LOG_PIPE), target: PIPE_IN_CAGE, mode: "ro" as const };
    const conf = containerConf({ system, hostname, firstUid, binds: [...binds, pipe], memoryBytes });
    replace(this.#conf(name), conf);
    const end = join(folder, "end");
    replace(end, endScript(folder, name, join(this.#host.roots, name)));
    mkdirSync(this.#settings(name), { recursive: true, mode: 0o755 });
    replace(join(this.#settings(name), "hyperhive.conf"), unitSettings({ memoryBytes, cpuPercent, pids }, end));
  }

  async #keepLog(name: string, log: string): Promise<void> {
    const { account } = this.#context;
    const folder = this.#folder(name);
    const [logFolder, logName] = [log.slice(0, log.lastIndexOf("/")), log.slice(log.lastIndexOf("/") + 1)];
    const options = ["--quiet", "--collect", `--unit=${logUnitOf(name)}`, `--uid=${account.uid}`, `--gid=${account.gid}`];
    const argv = [join(folder, KEEPER_FOLDER), logFolder, logName, String(LOG_BYTES), join(folder, LOG_PIPE)];
    const script = join(folder, "keep");
    replace(script, KEEPER);
    const keeper = ["/bin/sh", script, ...argv];
    const settings = ["-p", "NoNewPrivileges=yes", "-p", "UMask=0027", "-p", "TimeoutStopSec=10"];
    successOf("systemd-run", await this.#host.run("systemd-run", [...options, ...settings, "--", ...keeper]));
  }

  #unbindAll(name: string): void {
    this.#host.unbind(join(this.#host.roots, name));
    const binds = join(this.#folder(name), "binds");
    if (!existsSync(binds)) return;
    for (const bind of readdirSync(binds)) this.#removePoint(join(binds, bind));
    rmdirSync(binds);
  }

  /** Makes the container's folder anew, without what an earlier run has left in it. */
  #clean(name: string): void {
    const folder = this.#folder(name);
    this.#unbindAll(name);
    rmSync(folder, { recursive: true, force: true });
    // Others pass through both, to the file that says how a container ended. The daemon waits there for that file.
    for (const [made, mode] of [
      [this.#host.cages, 0o711],
      [folder, 0o751],
    ] as const) {
      mkdirSync(made, { recursive: true });
      chmodSync(made, mode);
    }
    this.#host.give(folder, 0, this.#context.account.gid);
  }

  /** Removes a mount point, and never what might still be bound on it: a folder has to be empty. */
  #removePoint(point: string): void {
    this.#host.unbind(point);
    if (lstatSync(point).isDirectory()) rmdirSync(point);
    else unlinkSync(point);
  }

  /** Whether root has recorded this container for this agent of this hive. Names of two hives may be equal: they are short. */
  #isOwn(name: string, agent: string): boolean {
    const record = this.#records.find(name);
    return record?.hive_id === this.#hiveId && record.agent === agent;
  }

  async #unit(name: string): Promise<UnitState> {
    const argv = ["show", unitOf(name), "-p", "ActiveState", "-p", "MainPID"];
    return parseUnit(successOf("systemctl show", await this.#host.run("systemctl", argv)));
  }

  #checkLog(log: string): void {
    if (!isWithin(log, this.#context.state)) throw new Refusal("a log is a file of the hive's state folder");
  }

  /** Only Nix writes to the store, so what is there was built. */
  #checkSystem(system: string): void {
    const { fd, stat } = openSource(system, this.#host.root);
    closeSync(fd);
    if (!stat.isDirectory()) throw new Refusal(`${system} is not a system`);
  }

  #folder(name: string): string {
    return join(this.#host.cages, name);
  }
  #conf(name: string): string {
    return join(this.#host.confs, `${name}.conf`);
  }
  #settings(name: string): string {
    return join(this.#host.units, `${unitOf(name)}.d`);
  }

  /** Does one thing at a time with a container. */
  #alone<T>(agent: string, work: (name: string) => Promise<T>): Promise<T> {
    const name = containerName(this.#hiveId, agent);
    const before = this.#work.get(name) ?? Promise.resolve();
    const done = before.then(
      () => work(name),
      // That failure is its own caller's.
      () => work(name),
    );
    this.#work.set(name, done);
    const forget = (): void => {
      if (this.#work.get(name) === done) this.#work.delete(name);
    };
    // The caller has `done`.
    done.then(forget, forget);
    return done;
  }
}

function journalOf(name: string, lines: number, follow: boolean): string[] {
  return [
    "--unit",
    unitOf(name),
    "--lines",
    String(lines),
    "--output",
    "cat",
    "--no-pager",
    "--quiet",
    ...(follow ? ["--follow"] : []),
  ];
}

/** Replaces a file that only root writes. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o644, flush: true });
  renameSync(`${file}.new`, file);
}

/** The first process in a container: the only child of its systemd-nspawn. */
function firstChild(pid: number): number | undefined {
  try {
    const child = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
    return child > 0 && identify(child) ? child : undefined;
  } catch {
    // It has ended.
    return undefined;
  }
}
