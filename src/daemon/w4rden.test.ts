import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { identify } from "../os/process-id.ts";
import type { HiveContainers } from "../w4rden/containers/port.ts";
import type { VerbContext } from "../w4rden/context.ts";
import { openSocket } from "../w4rden/socket.ts";
import { W4rden } from "./w4rden.ts";

/** The daemon's side of root's helper, over the helper's real socket. The containers behind it are the test's. */

/** More than the helper accepts connections. */
const MANY = 150;
let folder: string;
let server: Server;
let running: number;
let most: number;
let killed: string[];
/** Boots end once it resolves. */
let booted: PromiseWithResolvers<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "w4rden-"));
  [running, most, killed, booted] = [0, 0, [], Promise.withResolvers()];
  const containers: HiveContainers = {
    async start({ agent }) {
      running++;
      most = Math.max(most, running);
      await booted.promise;
      running--;
      return { folder: `/run/${agent}`, pid: undefined };
    },
    async kill(agent) {
      killed.push(agent);
    },
    destroy: async () => {},
    logs: (_, lines, follow) =>
      follow ? ["sh", ["-c", `echo $$; printf 'lines %s' ${lines}; echo; exec sleep 1000`]] : ["printf", ["first\nsecond\n"]],
  };
  const account = { name: "self", uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const defect = (error: unknown): never => {
    throw error;
  };
  server = await openSocket({ account, containers } as unknown as VerbContext, defect, join(folder, "s"));
});
afterEach(() => {
  booted.resolve();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = () => new W4rden(join(folder, "s")).containers;
const request = (agent: string) => ({
  agent,
  hostname: "h-tester",
  uid: 1000,
  system: `/nix/store/${"b".repeat(32)}-system`,
  binds: [],
  log: "/hive/cage.log",
  memory_bytes: 256 * 1024 ** 2,
  cpu_percent: 100,
  pids: 32,
});
const agents = Array.from({ length: MANY }, (_, n) => `a${n}`);

test("more containers than the helper has connections start, a few at once", async () => {
  const containers = open();
  const started = Promise.all(agents.map((agent) => containers.start(request(agent))));
  await Promise.race([started, expect.poll(() => running).toBe(8)]);
  booted.resolve();
  expect((await started).map((one) => one.folder)).toEqual(agents.map((agent) => `/run/${agent}`));
  expect(most).toBe(8);
});

test("what ends containers, and their journals, do not wait for those that boot", async () => {
  const containers = open();
  const started = Promise.all(agents.map((agent) => containers.start(request(agent))));
  await expect.poll(() => running).toBe(8);
  await Promise.all(agents.map((agent) => containers.kill(agent)));
  expect(killed.sort()).toEqual([...agents].sort());
  expect(await containers.logs("a0", 10)).toBe("first\nsecond\n");
  booted.resolve();
  await started;
});

test("journals that wait are bounded", async () => {
  const containers = open();
  const read = await Promise.allSettled(agents.map(() => containers.logs("a0", 10)));
  expect(read.filter(({ status }) => status === "fulfilled")).toHaveLength(9);
  expect(read.at(-1)).toMatchObject({ reason: { code: "rate_limited" } });
});

/** Follows a journal until it has said as much as the test's program does. Resolves with the pid of that program. */
async function followed(containers: ReturnType<typeof open>, agent: string, ended: AbortSignal) {
  const lines: string[] = [];
  const journal = containers.follow(agent, 5, ended)[Symbol.asyncIterator]();
  while (lines.length < 2) {
    const { value } = (await journal.next()) as { value: string[] };
    for (const line of value) lines.push(line);
  }
  expect(lines[1]).toBe("lines 5");
  return { pid: Number(lines[0]), journal };
}

test("a journal is followed until its reader goes away, and then its program ends", async () => {
  const reader = new AbortController();
  const { pid, journal } = await followed(open(), "a0", reader.signal);
  expect(identify(pid)).toBeDefined();
  const next = journal.next();
  reader.abort();
  // Its reader has ended it, which is no failure.
  expect(await next).toEqual({ done: true, value: undefined });
  await expect.poll(() => identify(pid)).toBeUndefined();
  expect(await open().follow("a0", 5, reader.signal)[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
  // Or it does not go on.
  const other = await followed(open(), "a0", new AbortController().signal);
  await other.journal.return?.();
  await expect.poll(() => identify(other.pid)).toBeUndefined();
});

test("a journal whose time is up says so, and one whose program ends says that", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const { journal } = await followed(open(), "a0", new AbortController().signal);
    const next = journal.next();
    vi.advanceTimersByTime(2 * 60 * 60_000);
    await expect(next).rejects.toThrow("the journal was followed for two hours, which is the most: follow it again");
  } finally {
    vi.useRealTimers();
  }
  const other = await followed(open(), "a0", new AbortController().signal);
  const end = other.journal.next();
  process.kill(other.pid, "SIGTERM");
  await expect(end).rejects.toThrow("the program was killed");
});

test("journals that are followed are bounded, and one that ends leaves room for another", async () => {
  const containers = open();
  const readers = agents.slice(0, 8).map(() => new AbortController());
  const all = await Promise.all(readers.map((reader, n) => followed(containers, `a${n}`, reader.signal)));
  const one = containers.follow("a9", 5, new AbortController().signal)[Symbol.asyncIterator]();
  await expect(one.next()).rejects.toMatchObject({ code: "rate_limited" });
  // The others go on.
  expect(await containers.logs("a0", 10)).toBe("first\nsecond\n");
  await all[0]?.journal.return?.();
  const again = await followed(containers, "a9", new AbortController().signal);
  for (const { journal } of [...all, again]) await journal.return?.();
});
