import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { identify } from "../../os/process-id.ts";
import { W4rdenRequest } from "../../wire/w4rden.ts";
import type { CageSpec } from "../port.ts";
import { nixosDriver, type ContainerHelper } from "./driver.ts";

/** The driver with a helper that starts nothing. `npm run nixos-host` runs the contract of drivers over real containers. */

const SYSTEM = `/nix/store/${"b".repeat(32)}-system`;
let root: string;
let asked: string[];
let requests: Parameters<ContainerHelper["start"]>[0][];
let pid: number | undefined;
/** Whether the container of a start runs, or may run. */
let runs: boolean;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "nixos-driver-")));
  mkdirSync(join(root, "container"));
  [asked, requests, pid, runs] = [[], [], process.pid, false];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const helper: ContainerHelper = {
  async start(request) {
    requests.push(request);
    asked.push(`start ${request.agent}`);
    runs = true;
    return { folder: join(root, "container"), pid };
  },
  async kill(agent) {
    asked.push(`kill ${agent}`);
    if (runs) endAs("killed KILL signal 0\n");
    runs = false;
  },
  async destroy(agent) {
    asked.push(`destroy ${agent}`);
  },
  async logs(agent, lines) {
    asked.push(`logs ${agent} ${lines}`);
    return "first\nsecond\n";
  },
  async *follow(agent, lines) {
    asked.push(`follow ${agent} ${lines}`);
    yield ["first"];
  },
};
const driver = (change: Partial<ContainerHelper> = {}) =>
  nixosDriver({ helperOf: () => ({ ...helper, ...change }), systemOf: () => SYSTEM });
/** What the service manager writes when a container has ended. */
const endAs = (text: string): void => writeFileSync(join(root, "container/status"), text);

function spec(): CageSpec {
  const folder = (name: string): string => {
    mkdirSync(join(root, name), { recursive: true });
    return join(root, name);
  };
  return {
    hiveId: "b0b0b0b0",
    agentId: "a1",
    name: "tester",
    role: "agent",
    generation: 1,
    revision: "none",
    runtimeDir: folder("runtime"),
    socketsDir: folder("sockets"),
    claudeDir: folder("claude"),
    stateDir: folder("state"),
    workspacesDir: folder("work"),
    configDir: folder("config"),
    cageDir: folder("cage"),
    extraBinds: [{ host: folder("shared"), cage: "/shared", mode: "rw", owner: { uid: 4242, gid: 4343 } }],
    logFile: join(root, "cage.log"),
    env: { PATH: "/usr/bin:/bin" },
    argv: ["/bin/sh", "-c", "sleep 1000"],
    limits: { memoryBytes: 256 * 1024 * 1024, cpuPercent: 100, pids: 32 },
    identity: driver().identityFor("b0b0b0b0", 1),
  };
}

test("a start asks for the folders of a cage, as the helper takes them", async () => {
  const one = spec();
  await driver().start(one);
  const [request] = requests;
  expect(W4rdenRequest.safeParse({ verb: "container_start", ...request }).error).toBeUndefined();
  expect(request).toMatchObject({ agent: "a1", hostname: "h-tester", system: SYSTEM, uid: one.identity.uid });
  expect(request?.binds.map(({ cage, mode }) => `${cage} ${mode}`)).toEqual([
    "/opt/hive ro",
    "/run/hive ro",
    "/home/agent/.claude rw",
    "/state rw",
    "/work rw",
    "/config ro",
    "/shared rw",
    "/run/hive-cage ro",
  ]);
  expect(request?.binds.find(({ cage }) => cage === "/shared")?.owner).toEqual({ uid: 4242, gid: 4343 });
  const inside = join(one.cageDir, "inside");
  expect(readdirSync(inside).sort()).toEqual([
    "filter",
    "gitconfig",
    "group",
    "hosts",
    "log",
    "nsswitch.conf",
    "passwd",
    "resolv.conf",
    "start",
  ]);
  expect(statSync(join(inside, "start")).mode & 0o777).toBe(0o755);
});

test("a folder in a home that the daemon cannot enter is left to the helper; the hive's own are checked first", async () => {
  const one = spec();
  const closed = { host: "/home/nobody-here/notes", cage: "/notes", mode: "ro" as const };
  await driver().start({ ...one, extraBinds: [{ ...closed, isOutside: true }] });
  expect(requests[0]?.binds.find(({ cage }) => cage === "/notes")?.folder).toBe(closed.host);
  rmSync(join(one.cageDir, "container.json"));
  await expect(driver().start({ ...one, extraBinds: [closed] })).rejects.toThrow("(for /notes) does not exist");
});

test("a start ends what runs of the agent without a note, as in a restored hive", async () => {
  await driver().start(spec());
  expect(asked).toEqual(["kill a1", "start a1"]);
});

test("an end that the service manager records is reported, to the starter and to a later daemon", async () => {
  const one = spec();
  const first = await driver().start(one);
  const again = await driver().adopt(one);
  expect(again?.init).toEqual(identify(process.pid));
  endAs("exited 5 exit-code 0\n");
  expect(await Promise.all([first.exited, again?.exited])).toEqual([{ code: 5 }, { code: 5 }]);
});

test("a program that ended at once is no failure of the start", async () => {
  pid = undefined;
  endAs("exited 7 exit-code 0\n");
  const cage = await driver().start(spec());
  expect(await cage.exited).toEqual({ code: 7 });
});

test("a cage that runs is not started again, and is still found", async () => {
  const one = spec();
  await driver().start(one);
  await expect(driver().start(one)).rejects.toThrow("the container of tester runs already");
  expect((await driver().adopt(one))?.init).toEqual(identify(process.pid));
  expect(asked).toEqual(["kill a1", "start a1"]);
});

test("an end over the memory limit is explained", async () => {
  const cage = await driver().start(spec());
  endAs("killed KILL oom-kill 1\n");
  expect(await cage.exited).toEqual({ code: null, signal: "SIGKILL", reason: "exit 137: over its memory limit (256 MiB)" });
});

test("a refusal is the reason of the failure; what may run nevertheless is ended before the next start", async () => {
  const one = spec();
  const refuse = async (): Promise<never> => Promise.reject(new Error("root does not allow it"));
  await expect(driver({ start: refuse }).start(one)).rejects.toThrow("root does not allow it");
  asked = [];
  await driver().start(one);
  expect(asked).toEqual(["kill a1", "start a1"]);
});

test("the container of a start that the daemon did not see the end of is ended by the next daemon", async () => {
  const one = spec();
  let noted = "";
  const interrupted: ContainerHelper["start"] = async () => {
    noted = readFileSync(join(one.cageDir, "container.json"), "utf8");
    return helper.start({ agent: one.agentId } as never);
  };
  await driver({ start: interrupted }).start(one);
  // As the daemon leaves it that is killed in the middle.
  writeFileSync(join(one.cageDir, "container.json"), noted);
  asked = [];
  expect(await driver().adopt(one)).toBeNull();
  expect(asked).toEqual(["kill a1"]);
});

test("without a system, a start says how to build one", async () => {
  await expect(nixosDriver({ helperOf: () => helper, systemOf: () => undefined }).start(spec())).rejects.toThrow(
    "no system is built for generation 1 of tester: deploy it again",
  );
  expect(requests).toEqual([]);
});

test("the log of a container's system is its journal, at most what the helper prints", async () => {
  const log = await driver().systemLog?.(spec(), 5000);
  expect([log, asked]).toEqual([["first", "second"], ["logs a1 1000"]]);
  for await (const lines of driver().followSystemLog?.(spec(), 5000, new AbortController().signal) ?? [])
    expect(lines).toEqual(["first"]);
  expect(asked).toEqual(["logs a1 1000", "follow a1 1000"]);
});

test("a container without a note is ended before it is removed", async () => {
  await driver().destroy(spec());
  expect(asked).toEqual(["kill a1", "destroy a1"]);
});

test("destroying ends the container, removes it, and then the cage's folder", async () => {
  const one = spec();
  await driver().start(one);
  asked = [];
  await driver().destroy(one);
  expect(asked).toEqual(["kill a1", "destroy a1"]);
  expect(existsSync(one.cageDir)).toBe(false);
});
