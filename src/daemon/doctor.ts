import { once } from "node:events";
import { statfsSync } from "node:fs";
import { join } from "node:path";
import { ownFolder } from "../lib/own-folder.ts";
import { Paths } from "../lib/paths.ts";
import { openPlatform } from "../platforms/open.ts";
import type { PlatformHost } from "../platforms/platform.ts";
import { CONTAINER_DRIVER } from "../wire/w4rden.ts";
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { checkContainerHost, checkHost, type Finding } from "./checks.ts";
import { checkClaude } from "./claude-version.ts";
import type { Config } from "./config.ts";
import { accessFromCage } from "../os/folder-access.ts";
import { idMap, idMapsLack, mountVersion } from "../os/id-map.ts";
import { LAUNCH_ENV, SANDBOX_PATH } from "../os/launch-env.ts";
import { startMapped } from "../os/user-namespace.ts";

/** The free bytes that a hive needs for the runtime, a few agents and some work. */
const WANTED_BYTES = 2 * 1024 * 1024 * 1024;

/** The exit code with which the program in the cage reports that it has no system-call filter. */
const UNFILTERED = 9;

/** Checks the host, builds one real cage, and prints the findings. Exit code 0 if there is no error. */
export async function printDoctor(config: Config, options: { json: boolean }): Promise<number> {
  const ofContainers = config.driver === CONTAINER_DRIVER ? await checkContainers(config) : [];
  const room = space(config);
  const findings = [...checkHost(config.path), ...ofContainers, room];
  // It starts in the state folder.
  if (room.level !== "error") findings.push(await checkClaude(config.claudePath, config.path, config.stateDir));
  if (process.getuid?.() === 0) findings.push(await tryOwnUser());
  if (!findings.some((one) => one.level === "error")) findings.push(await buildCage(config), await tryIdMap(config));
  const failed = findings.some((one) => one.level === "error");
  if (options.json) process.stdout.write(`${JSON.stringify({ ok: !failed, findings })}\n`);
  else
    for (const { level, what, mend } of findings)
      process.stdout.write(`${{ ok: "✓", warn: "!", error: "✗" }[level]} ${what}${mend ? `\n    ${mend}` : ""}\n`);
  return failed ? 1 : 0;
}

/** Checks what containers need, and says which limits hold. Only a deploy proves that one starts. */
async function checkContainers(config: Config): Promise<Finding[]> {
  const lacks = openPlatform(config.driver, trialHost(config)).driver.cannot();
  const mend = "boot the host with the unified cgroup hierarchy, with the controllers memory, cpu and pids";
  // It is not the daemon: only root can start the helper.
  const findings = await checkContainerHost(config.path, process.getuid?.() === 0);
  return [...findings, ...lacks.map((what): Finding => ({ level: "warn", what, mend }))];
}

/** The host as a trial of a cage sees it: it has no hive, and starts no container. */
function trialHost({ stateDir: state }: Config): PlatformHost {
  return { hiveId: "doctor", paths: new Paths(state, state) };
}

function space(config: Config): Finding {
  try {
    ownFolder("HIVE_STATE_DIR", config.stateDir);
  } catch (error) {
    return {
      level: "error",
      what: "the state folder cannot be made",
      mend: error instanceof Error ? error.message : String(error),
    };
  }
  const { bavail, bsize } = statfsSync(config.stateDir);
  const free = bavail * bsize;
  const words = `${(free / 1024 ** 3).toFixed(1)} GiB free under ${config.stateDir}`;
  return free < WANTED_BYTES
    ? { level: "warn", what: words, mend: "free some room, or set HIVE_STATE_DIR to a larger disk" }
    : { level: "ok", what: words, mend: "" };
}

/** Checks that root can start the daemon as a user of its own. */
async function tryOwnUser(): Promise<Finding> {
  const nobody = { uid: NOBODY, gid: NOBODY };
  try {
    const child = await startMapped({
      as: nobody,
      range: undefined,
      program: "true",
      argv: [],
      env: LAUNCH_ENV,
      stdio: "ignore",
    });
    const [code] = (await once(child, "close")) as [number | null];
    if (code === 0) return { level: "ok", what: "root can start the daemon as a user of its own", mend: "" };
    throw new Error(`the program in it ended with ${code ?? "a signal"}`);
  } catch (error) {
    const mend =
      "allow root to make user namespaces (sysctl user.max_user_namespaces), or run the daemon as root: HIVE_AS_ROOT=1 npm start";
    return {
      level: "warn",
      what: `the daemon cannot be a user of its own: ${error instanceof Error ? error.message : String(error)}`,
      mend,
    };
  }
}
/** A uid that every host has. */
const NOBODY = 65_534;

/** The owner of the folder in the trial: a person's uid that no user of this host has. */
const PERSON = { uid: 4242, gid: 4242 };

/** Checks that agents can write a mounted folder that only its owner can write. Only a real mount proves it. */
async function tryIdMap(config: Config): Promise<Finding> {
  const { driver, sandboxedRun } = openPlatform(config.driver, trialHost(config));
  const identity = driver.identityFor("doctor", 0);
  if (identity.kind !== "host-uid") return { level: "ok", what: "agents write mounts as you: no id maps are needed", mend: "" };
  const mend = 'share folders with "ro", or let others write there (chmod o+w, setfacl); everything else works';
  const failed = (why: string): Finding => ({ level: "warn", what: `id maps of rw mounts do not work: ${why}`, mend });
  const lack = await idMapsLack();
  if (lack !== undefined) return failed(lack);
  const folder = mkdtempSync(join(config.stateDir, "doctor-"));
  try {
    chownSync(folder, PERSON.uid, PERSON.gid);
    const { writable } = await accessFromCage(sandboxedRun, folder, identity, "rw", idMap(PERSON, identity));
    if (!writable) return failed("the folder cannot be written through one");
    return {
      level: "ok",
      what: `id maps of rw mounts work (mount of util-linux ${(await mountVersion()) ?? "unknown"})`,
      mend: "",
    };
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Builds a cage. Only this proves that cages can be built. */
async function buildCage(config: Config): Promise<Finding> {
  const folder = mkdtempSync(join(config.stateDir, "doctor-"));
  const at = (name: string): string => {
    mkdirSync(join(folder, name), { recursive: true });
    return join(folder, name);
  };
  // A cage survives its daemon, so it does not keep this process alive. The timer does, until the cage has ended.
  const alive = setInterval(() => {}, 1000);
  try {
    const platform = openPlatform(config.driver, trialHost(config));
    const driver = platform.sideDriver ?? platform.driver;
    writeFileSync(join(folder, "log"), "");
    const spec = {
      hiveId: "doctor",
      agentId: `d${process.pid}`,
      name: "doctor",
      role: "agent" as const,
      generation: 1,
      revision: "none",
      runtimeDir: at("runtime"),
      socketsDir: at("sockets"),
      claudeDir: at("claude"),
      stateDir: at("state"),
      workspacesDir: at("work"),
      configDir: at("config"),
      extraBinds: [],
      cageDir: at("cage"),
      logFile: join(folder, "log"),
      env: { PATH: SANDBOX_PATH },
      argv: ["/bin/sh", "-c", `grep -q '^Seccomp:.2$' /proc/self/status || exit ${UNFILTERED}`],
      limits: { memoryBytes: 256 * 1024 * 1024, cpuPercent: 100, pids: 32 },
      identity: driver.identityFor("doctor", 0),
    };
    await driver.prepare(spec);
    const exit = await (await driver.start(spec)).exited;
    if (exit.code === UNFILTERED)
      return { level: "error", what: "a cage has no system-call filter", mend: "install bubblewrap 0.8 or newer" };
    if (exit.code === 0) return { level: "ok", what: "a cage can be built", mend: "" };
    return {
      level: "error",
      what: `a cage was built but its program ended with ${exit.code ?? exit.signal}`,
      mend: exit.reason ?? "see the kernel's log",
    };
  } catch (error) {
    return { level: "error", what: "no cage can be built", mend: error instanceof Error ? error.message : String(error) };
  } finally {
    clearInterval(alive);
    rmSync(folder, { recursive: true, force: true });
  }
}
