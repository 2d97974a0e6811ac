import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serveLines, type Dispatch, type LineServer } from "../rpc/server.ts";
import { AgentConfig } from "../wire/config.ts";
import { HiveError } from "../wire/error.ts";
import type { HarnessPush } from "../wire/harness.ts";
import type { OperationName } from "../wire/operations.ts";
import { Link, type Assignment } from "./link.ts";
import { MAX_AGENT_BYTES_IN_FLIGHT } from "../wire/limits.ts";

/** A link to a daemon that starts and stops. */
let folder: string;
let server: LineServer | undefined;
let link: Link | undefined;
let assigned: Assignment[];
let pushes: HarnessPush[];
/** The content of each hello. */
let hellos: { leases: unknown[]; busy: boolean; instance: string }[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "link-"));
  [assigned, pushes, hellos] = [[], [], []];
});
afterEach(async () => {
  link?.close();
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const assignment: Assignment = {
  protocol: 2,
  agent: { id: "a1", name: "ada", role: "agent" },
  config: AgentConfig.parse({}),
  system_prompt: "",
  model: "sonnet",
  credential_kind: "api-key",
  paused: false,
  confirmed_n: 0,
  next_turn: 1,
  repos: [],
  secrets: {},
  watched: false,
  leases: [],
};
type Answer = (name: OperationName, input: never) => object | Promise<object>;

/** Starts a daemon that accepts or refuses hello, and answers all other calls with `answer`. */
async function daemon(
  answer: Answer = () => ({}),
  refuseHello?: () => HiveError | undefined,
  given: object = assignment,
): Promise<void> {
  const dispatch: Dispatch = async (name, input, connection) => {
    if (name !== "hello") return answer(name, input);
    hellos.push(input);
    const refusal = refuseHello?.();
    if (refusal) throw refusal;
    connection.callers.add("harness");
    setImmediate(() => connection.push({ push: "compact" }));
    return given;
  };
  server = await serveLines({
    path: join(folder, "mcp.sock"),
    mode: 0o600,
    callers: ["agent"],
    ordered: false,
    maxConnections: 10,
    maxBytesInFlight: MAX_AGENT_BYTES_IN_FLIGHT,
    dispatch,
    onUnexpected(error) {
      throw error;
    },
  });
}
function open(options: { awayMs?: number; busy?: boolean } = {}): Link {
  link = new Link({
    socket: join(folder, "mcp.sock"),
    revision: "r",
    generation: 1,
    awayMs: options.awayMs ?? 60_000,
    state: () => ({ leases: [{ id: 7, token: "t" }], busy: options.busy ?? false, residentServers: 0 }),
    onAssigned: (given) => void assigned.push(given),
    onPush: (push) => void pushes.push(push),
  });
  return link;
}

test("finds a daemon that starts later, and presents its leases", async () => {
  open({ busy: true });
  await daemon(() => ({ confirmed_n: 3 }));
  expect(await link?.call("publish", { events: [] })).toEqual({ confirmed_n: 3 });
  expect(hellos).toMatchObject([{ leases: [{ id: 7, token: "t" }], busy: true }]);
  await expect.poll(() => pushes).toEqual([{ push: "compact" }]);
});

test("repeats a call that was running when the daemon stopped, with the next daemon and the same instance", async () => {
  let asked = 0;
  await daemon(() => {
    asked++;
    return new Promise(() => {});
  });
  open();
  const call = link?.call("publish", { events: [] });
  await expect.poll(() => asked).toBe(1);
  await server?.close();
  await daemon(() => ({ confirmed_n: 9 }));
  expect(await call).toEqual({ confirmed_n: 9 });
  expect(hellos).toHaveLength(2);
  expect(new Set(hellos.map((hello) => hello.instance)).size).toBe(1);
  expect(assigned).toHaveLength(2);
});

test("passes a refusal on to the caller, without a retry", async () => {
  let asked = 0;
  await daemon(() => {
    asked++;
    throw new HiveError("disk_full", "the disk is full");
  });
  open();
  await expect(link?.call("publish", { events: [] })).rejects.toMatchObject({ code: "disk_full" });
  expect(asked).toBe(1);
});

test("does not repeat an aborted call over a new connection", async () => {
  await daemon(() => new Promise(() => {}));
  open();
  const leaving = new AbortController();
  const call = link?.call("next", {}, leaving.signal);
  await expect.poll(() => hellos.length).toBe(1);
  leaving.abort();
  await expect(call).rejects.toMatchObject({ code: "unavailable" });
});

test.each(["bad_request", "too_large"] as const)("a hello that is refused with %s is not sent again", async (code) => {
  await daemon(undefined, () => new HiveError(code, "leases: at most 1000"));
  expect(await open().ended).toEqual({ kind: "refused", reason: "leases: at most 1000" });
  expect(hellos).toHaveLength(1);
});

test("ends with the daemon's reason if the daemon does not support its protocol", async () => {
  await daemon(undefined, () => new HiveError("protocol", "this harness is newer: update the daemon"));
  expect(await open().ended).toEqual({ kind: "refused", reason: "this harness is newer: update the daemon" });
});

test("waits for another harness that is about to end", async () => {
  await daemon(
    () => ({ confirmed_n: 1 }),
    () => (hellos.length < 4 ? new HiveError("conflict", "an agent has one at a time") : undefined),
  );
  expect(await open().call("publish", { events: [] })).toEqual({ confirmed_n: 1 });
  expect(hellos).toHaveLength(4);
});

test("ends after too long without a daemon", async () => {
  expect(await open({ awayMs: 30 }).ended).toEqual({ kind: "away" });
});

test("ends after too long without a daemon that was connected before", async () => {
  await daemon(() => ({ confirmed_n: 1 }));
  open({ awayMs: 30 });
  await link?.call("publish", { events: [] });
  await server?.close();
  expect(await link?.ended).toEqual({ kind: "away" });
});

test.each([
  ["a number of a turn that cannot be counted", { next_turn: 2 ** 53 }, "next_turn: "],
  ["a role that it does not know", { agent: { id: "a1", name: "ada", role: "queen" } }, "agent.role: "],
  ["no config", { config: undefined }, "config: "],
])("an assignment with %s ends the link, and the daemon is notified of the reason", async (_, part, field) => {
  const reports: string[] = [];
  const answer: Answer = (name, input) => {
    if (name === "report") reports.push((input as { problem: string }).problem);
    return {};
  };
  await daemon(answer, undefined, { ...assignment, ...part });
  const end = await open().ended;
  const reason = expect.stringContaining(`the harness cannot read its assignment: ${field}`);
  expect(end).toEqual({ kind: "unreadable", reason });
  expect(reports).toEqual([reason]);
  expect(assigned).toEqual([]);
});
