import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLifecycle } from "./lifecycle.ts";

let log: string[];
let folder: string;
let recovered: { forward: number[]; back: number[] };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lifecycle-"));
  log = [];
  recovered = { forward: [], back: [] };
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(others: object = {}) {
  const did = (what: string) => (): void => void log.push(what);
  const doesLater = (what: string) => async (): Promise<void> => {
    await Promise.resolve();
    log.push(what);
  };
  const agent = {
    id: "a1",
    name: "ada",
    phase: { at: "stopped" },
    record: { desired: "running" },
    config: { extraMcpServers: {} },
  };
  const parts = {
    services: [{ start: did("start services"), stop: did("stop services") }],
    agents: { all: () => [agent] },
    cages: {
      adopt: async () => false,
      leaveAsleep: did("agents are up"),
      close: did("close cages"),
      stopAll: doesLater("stop all cages"),
      killAll: doesLater("kill all cages"),
    },
    harnesses: { serve: () => {} },
    broker: { hasMail: () => false, start: did("start leases"), stop: did("stop leases") },
    deploys: {
      async recover() {
        await doesLater("recover")();
        return recovered;
      },
      firstStart: doesLater("first start"),
      deploys: { stop: doesLater("stop deploys") },
      autoUpdate: { start: did("start updates"), stop: did("stop updates") },
    },
    work: { start: did("start work"), stop: did("stop work"), makeSample: did("make the sample") },
    playsTour: false,
    operators: { host: {}, start: did("open operators") },
    sockets: { openHost: doesLater("open host.sock"), closeAll: doesLater("close sockets") },
    paths: { hostSocket: "/run/host.sock", runtimes: folder },
    revision: "r1",
    log: { info: (facts: object, words: string) => void log.push(`${words} ${JSON.stringify(facts)}`) },
    onUnexpected: (error: unknown) => expect.unreachable(String(error)),
    ...others,
  };
  return openLifecycle(parts as never);
}

test("deploys are recovered before any socket opens or agent starts, and updates start last", async () => {
  await open().boot();
  expect(log).toEqual([
    "start services",
    "recover",
    "start work",
    "open host.sock",
    "open operators",
    "agents are up",
    "start leases",
    "first start",
    "start updates",
  ]);
});

test("a sample that cannot be made is reported, and the hive starts", async () => {
  const unexpected: unknown[] = [];
  const error = new Error("no room");
  await open({
    playsTour: true,
    work: { start() {}, stop() {}, makeSample: () => Promise.reject(error) },
    onUnexpected: (one: unknown) => void unexpected.push(one),
  }).boot();
  expect(unexpected).toEqual([error]);
  expect(log).toContain("start updates");
});

test("runtimes that no cage uses are removed", async () => {
  for (const revision of ["r1", "older"]) mkdirSync(join(folder, revision));
  await open().boot();
  expect(readdirSync(folder)).toEqual(["r1"]);
});

test("recovered deploys are logged", async () => {
  recovered = { forward: [7], back: [8, 9] };
  await open().boot();
  expect(log[2]).toBe('finished the deploys of the last daemon {"forward":[7],"back":[8,9]}');
});

test("closing stops cage starts, waits for the deploys, and closes the sockets before the services", async () => {
  await open().close();
  expect(log).toEqual([
    "close cages",
    "stop updates",
    "stop deploys",
    "stop leases",
    "close sockets",
    "stop work",
    "stop services",
  ]);
});

test("the cages are stopped after the deploys", async () => {
  const lifecycle = open();
  await lifecycle.stopCages("SIGTERM");
  await lifecycle.killCages();
  expect(log).toEqual(["stop updates", "stop deploys", "stop all cages", "kill all cages"]);
});
