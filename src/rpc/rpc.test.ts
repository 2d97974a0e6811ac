import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HiveError } from "../wire/error.ts";
import {
  MAX_AGENT_BYTES_IN_FLIGHT,
  MAX_CONNECTION_BYTES_IN_FLIGHT,
  MAX_JSON_VALUES,
  MAX_LINE_BYTES,
  MAX_REQUEST_ID_CHARS,
} from "../wire/limits.ts";
import { connectLines } from "./client.ts";
import { LineSplitter } from "./lines.ts";
import { serveLines, type Dispatch, type LineServer, type LineServerOptions } from "./server.ts";

let folder: string;
let path: string;
let server: LineServer | undefined;
const unexpected: unknown[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rpc-"));
  path = join(folder, "s.sock");
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  unexpected.length = 0;
  rmSync(folder, { recursive: true });
});

async function serve(dispatch: Dispatch, options: Partial<LineServerOptions> = {}): Promise<void> {
  server = await serveLines({
    path,
    mode: 0o600,
    callers: ["agent"],
    ordered: false,
    maxConnections: 10,
    maxBytesInFlight: MAX_AGENT_BYTES_IN_FLIGHT,
    dispatch,
    onUnexpected: (error) => unexpected.push(error),
    ...options,
  });
}

async function raw(): Promise<Socket> {
  const socket = connect(path);
  await once(socket, "connect");
  return socket;
}

/** Reads until the peer closes or `lines` lines have arrived. */
async function readLines(socket: Socket, lines: number): Promise<Record<string, unknown>[]> {
  const got: Record<string, unknown>[] = [];
  const splitter = new LineSplitter(64 * 1024 * 1024);
  return new Promise((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      splitter.push(chunk, (line) => got.push(JSON.parse(line) as Record<string, unknown>));
      if (got.length >= lines) resolve(got);
    });
    socket.on("close", () => resolve(got));
    socket.on("error", () => {}); // The test checks its end, not the reason.
  });
}

describe("calls", () => {
  test("overlap on one connection and get their own answers", async () => {
    const gates = new Map<string, () => void>();
    const ended: string[] = [];
    await serve(async (_name, input: { text: string }) => {
      await new Promise<void>((resolve) => gates.set(input.text, resolve));
      return {};
    });
    const client = await connectLines(path);
    const first = client.call("set_status", { text: "first" }).then(() => ended.push("first"));
    const second = client.call("set_status", { text: "second" }).then(() => ended.push("second"));
    await expect.poll(() => gates.size).toBe(2);
    gates.get("second")?.();
    await second;
    gates.get("first")?.();
    await first;
    expect(ended).toEqual(["second", "first"]);
    client.close();
  });

  test("a call on an ended connection is refused as unavailable", async () => {
    await serve(async () => ({}));
    const client = await connectLines(path);
    client.close();
    await client.closed;
    await expect(client.call("whoami", {})).rejects.toMatchObject({ code: "unavailable" });
  });

  test("a refusal arrives as the same HiveError; an unexpected error reveals no details", async () => {
    await serve(async (name) => {
      if (name === "whoami") throw new Error("secret path /root/x");
      throw new HiveError("not_found", 'agent "ghost" is not managed by this hive');
    });
    const client = await connectLines(path);
    await expect(client.call("send", { to: "ghost", body: "x" })).rejects.toMatchObject({
      code: "not_found",
      message: 'agent "ghost" is not managed by this hive',
    });
    await expect(client.call("whoami", {})).rejects.toMatchObject({
      code: "internal",
      message: expect.not.stringContaining("secret"),
    });
    expect(unexpected).toHaveLength(1);
    client.close();
  });

  test("work that ends because its caller has gone is no unexpected error", async () => {
    const begun = Promise.withResolvers<AbortSignal>();
    await serve(
      (_name, _input, { ended }) =>
        new Promise((_, reject) => {
          ended.addEventListener("abort", () => reject(ended.reason as Error));
          begun.resolve(ended);
        }),
    );
    const client = await connectLines(path);
    const call = client.call("whoami", {});
    const ended = await begun.promise;
    await server?.close();
    await expect(call).rejects.toMatchObject({ code: "unavailable" });
    await expect.poll(() => ended.aborted).toBe(true);
    expect(unexpected).toEqual([]);
  });

  test("without a listener, connecting fails as unavailable with the path", async () => {
    await expect(connectLines(path)).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining(path) });
  });

  test("calls in flight fail when the daemon ends", async () => {
    await serve(() => new Promise(() => {}));
    const client = await connectLines(path);
    const call = client.call("whoami", {});
    const failed = expect(call).rejects.toMatchObject({ code: "unavailable" });
    await server?.close();
    server = undefined;
    await failed;
  });

  test("a peer that closed its half still gets its answers", async () => {
    const gates: (() => void)[] = [];
    await serve(async () => {
      await new Promise<void>((resolve) => gates.push(resolve));
      return {};
    });
    const socket = await raw();
    const lines = readLines(socket, 1);
    socket.end('{"id":7,"cmd":"set_status","text":"x"}\n');
    await expect.poll(() => gates.length).toBe(1);
    gates[0]?.();
    expect(await lines).toEqual([{ id: 7, version: 1, ok: true }]);
  });
});

describe("host.sock order", () => {
  test("pipelined requests are answered in order, without ids", async () => {
    const delays: Record<string, number> = { agent_status: 0, list: 1 };
    const begun: string[] = [];
    await serve(
      async (name) => {
        begun.push(name);
        if (delays[name]) await new Promise((resolve) => setImmediate(resolve));
        return name === "list" ? { agents: ["a"] } : { agent_statuses: [] };
      },
      { callers: ["operator"], ordered: true },
    );
    const socket = await raw();
    socket.write('{"cmd":"list"}\n{"cmd":"nonsense"}\n{"cmd":"agent_status","unknown":"field"}\n');
    const lines = await readLines(socket, 3);
    expect(lines).toEqual([
      { version: 1, ok: true, agents: ["a"] },
      { version: 1, ok: false, error: 'unknown cmd "nonsense"', code: "bad_request" },
      { version: 1, ok: true, agent_statuses: [] },
    ]);
    socket.destroy();
  });

  test("an aborted call does not shift the answers of later calls", async () => {
    const gates: (() => void)[] = [];
    await serve(
      async (name) => {
        await new Promise<void>((resolve) => gates.push(resolve));
        return name === "list" ? { agents: [] } : { agent_statuses: [] };
      },
      { callers: ["operator"], ordered: true },
    );
    const client = await connectLines(path, { ordered: true });
    const stop = new AbortController();
    const first = client.call("list", {}, { signal: stop.signal });
    const second = client.call("agent_status", {});
    stop.abort();
    await expect(first).rejects.toMatchObject({ code: "unavailable" });
    await expect.poll(() => gates.length).toBe(1);
    gates[0]?.();
    await expect.poll(() => gates.length).toBe(2);
    gates[1]?.();
    expect(await second).toEqual({ agent_statuses: [] });
    client.close();
  });

  test("a stream that was aborted before it started ends, and its connection with it", async () => {
    await serve(
      async function* () {
        yield {};
        await new Promise(() => {});
      } as Dispatch,
      { ordered: true, callers: ["operator"] },
    );
    const client = await connectLines(path, { ordered: true });
    for await (const line of client.stream("watch", {}, { signal: AbortSignal.abort() })) expect(line).toBeUndefined();
    expect(await client.closed).toBeUndefined();
  });

  test("a stream yields until its connection ends", async () => {
    await serve(
      async function* () {
        yield {};
        yield { agent_statuses: [] };
      },
      { callers: ["operator"], ordered: true },
    );
    const client = await connectLines(path, { ordered: true });
    const got: unknown[] = [];
    for await (const line of client.stream("subscribe_agent_status", {})) {
      got.push(line);
      if (got.length === 2) break;
    }
    expect(got).toEqual([{}, { agent_statuses: [] }]);
  });
});

describe("hostile lines", () => {
  const echo: Dispatch = async () => ({});

  test.each([
    ["not JSON", "hello\n", "bad_request"],
    ["an unknown cmd", '{"id":1,"cmd":"__proto__"}\n', "bad_request"],
    ["constructor as cmd", '{"id":1,"cmd":"constructor"}\n', "bad_request"],
    ["no cmd", "{}\n", "bad_request"],
    ["wrong types", '{"cmd":"set_status","text":7}\n', "bad_request"],
    ["a duplicate key", '{"cmd":"set_status","text":"a","text":"b"}\n', "bad_request"],
    ["an operator's operation on an agent's socket", '{"cmd":"shutdown"}\n', "forbidden"],
    ["a harness operation without hello", '{"cmd":"next"}\n', "forbidden"],
    ["deep nesting", `{"cmd":"set_status","text":${"[".repeat(5000)}\n`, "bad_request"],
    ["an id that is a list", '{"id":[{},{}],"cmd":"whoami"}\n', "bad_request"],
    ["an id that is an object", '{"id":{"a":{}},"cmd":"whoami"}\n', "bad_request"],
    ["an id that is a long text", `{"id":"${"x".repeat(MAX_REQUEST_ID_CHARS + 1)}","cmd":"whoami"}\n`, "bad_request"],
    ["an id beyond 2^53", '{"id":9007199254740993,"cmd":"whoami"}\n', "bad_request"],
    ["more values than a line may have", `{"cmd":"whoami","x":[${"0,".repeat(MAX_JSON_VALUES)}0]}\n`, "too_large"],
    ["a NUL byte", '{"cmd":"set_status\u0000","text":"a"}\n', "bad_request"],
  ])("%s is refused, and the connection stays open", async (_, line, code) => {
    await serve(echo);
    const socket = await raw();
    socket.write(line);
    socket.write('{"id":9,"cmd":"set_status","text":"still here"}\n');
    const lines = await readLines(socket, 2);
    const refusal = lines.find((one) => one["ok"] === false);
    expect(refusal).toMatchObject({ code });
    expect(lines).toContainEqual({ id: 9, version: 1, ok: true });
    expect(unexpected).toEqual([]);
    socket.destroy();
  });

  test("a line over the limit is refused and its connection closed, long before 64 MiB are buffered", async () => {
    await serve(echo);
    const socket = await raw();
    const lines = readLines(socket, 2);
    const chunk = Buffer.alloc(1024 * 1024, 0x61);
    let written = 0;
    while (written < 64 && !socket.destroyed && socket.writable) {
      written++;
      // A socket that was closed never drains.
      if (!socket.write(chunk)) await Promise.race([once(socket, "drain"), once(socket, "close")]).catch(() => {});
    }
    expect((await lines)[0]).toMatchObject({
      ok: false,
      code: "too_large",
      error: expect.stringContaining(String(MAX_LINE_BYTES)),
    });
    expect(written).toBeLessThan(64);
  });

  test("a character that is split over two chunks survives", async () => {
    let seen = "";
    await serve(async (_name, input: { text: string }) => {
      seen = input.text;
      return {};
    });
    const socket = await raw();
    const bytes = Buffer.from('{"id":1,"cmd":"set_status","text":"mäuse 🐝"}\n');
    for (const byte of bytes) socket.write(Buffer.from([byte]));
    await readLines(socket, 1);
    expect(seen).toBe("mäuse 🐝");
    socket.destroy();
  });

  test("a connection over the limit gets one line with the reason", async () => {
    await serve(echo, { maxConnections: 1 });
    const first = await raw();
    const second = await raw();
    expect(await readLines(second, 1)).toEqual([
      { version: 1, ok: false, error: "more than 1 connections", code: "unavailable" },
    ]);
    first.destroy();
  });

  test("a peer that asks and never reads the answers is disconnected, so memory stays bounded", async () => {
    const ended = Promise.withResolvers<void>();
    await serve(
      async (_name: unknown, _input: unknown, connection: { ended: AbortSignal }) => {
        connection.ended.addEventListener("abort", () => ended.resolve());
        return { agents: ["x".repeat(1024 * 1024)] };
      },
      { callers: ["operator"], ordered: true },
    );
    const socket = await raw();
    socket.pause();
    socket.on("error", () => {}); // The test checks its end, not the reason.
    socket.write('{"cmd":"list"}\n'.repeat(60));
    await ended.promise;
    socket.destroy();
  });
});

describe("requests in flight", () => {
  const MEBI = 1024 * 1024;
  /** A request of one mebibyte. */
  const line = `{"id":"x","cmd":"recv","pad":"${"x".repeat(MEBI - 32)}"}\n`;
  const fits = Math.ceil(MAX_CONNECTION_BYTES_IN_FLIGHT / line.length) + 1;
  let answers: (() => void)[];
  let isWaiting: boolean;
  const wait: Dispatch = () =>
    new Promise((resolve) => {
      answers.push(() => resolve({}));
      if (!isWaiting) resolve({});
    });
  beforeEach(() => {
    answers = [];
    isWaiting = true;
  });
  const answerAll = (): void => {
    isWaiting = false;
    for (const answer of answers) answer();
  };

  /** Writes `count` lines on a new connection. */
  async function flood(count: number): Promise<Socket> {
    const socket = await raw();
    socket.on("error", () => {}); // The server ends it with the test.
    for (let n = 0; n < count; n++) socket.write(line);
    return socket;
  }
  /** Resolves when the server has taken `least` requests and had the time to take more. */
  async function quiet(least: number): Promise<void> {
    await expect.poll(() => answers.length).toBeGreaterThanOrEqual(least);
    for (let n = 0; n < 100; n++) await new Promise((resolve) => setImmediate(resolve));
  }

  test("of one connection, a bounded number of bytes is taken; the rest waits in the socket", async () => {
    await serve(wait);
    const socket = await flood(fits * 4);
    await quiet(fits - 1);
    expect(answers.length).toBeLessThanOrEqual(fits);
    answerAll();
    await expect.poll(() => answers.length).toBe(fits * 4);
    socket.destroy();
  });

  test("of all connections of a socket, too; and a call on another one is served once there is room", async () => {
    await serve(wait);
    const sockets = await Promise.all(Array.from({ length: 8 }, () => flood(fits)));
    const most = Math.ceil(MAX_AGENT_BYTES_IN_FLIGHT / line.length) + 1;
    await quiet(most - 1);
    expect(answers.length).toBeLessThanOrEqual(most);
    const late = await raw();
    late.write('{"id":"late","cmd":"whoami"}\n');
    const answered = readLines(late, 1);
    answerAll();
    expect(await answered).toMatchObject([{ id: "late", ok: true }]);
    await expect.poll(() => answers.length).toBe(8 * fits + 1);
    for (const socket of [...sockets, late]) socket.destroy();
  });

  test("a long text as id is not kept while the call waits", async () => {
    await serve(wait);
    const socket = await raw();
    const lines = readLines(socket, 1);
    socket.write(`${JSON.stringify({ id: "x".repeat(MEBI), cmd: "whoami" })}\n`);
    expect(await lines).toMatchObject([{ code: "bad_request", error: expect.stringContaining("id:") }]);
    expect(answers).toEqual([]);
    socket.destroy();
  });
});

describe("the socket file", () => {
  test("has the requested mode and replaces a stale one", async () => {
    await serve(async () => ({}));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await expect(
      serveLines({
        path,
        mode: 0o600,
        callers: [],
        ordered: false,
        maxConnections: 1,
        maxBytesInFlight: MAX_AGENT_BYTES_IN_FLIGHT,
        dispatch: async () => ({}),
        onUnexpected: () => {},
      }),
    ).rejects.toMatchObject({ code: "conflict" });
  });

  test("a file in the way and a path that the kernel would truncate are refused with the reason", async () => {
    writeFileSync(path, "");
    await expect(serve(async () => ({}))).rejects.toThrow(/is not a socket/);
    rmSync(path);
    const long = join(folder, "x".repeat(100));
    await expect(serve(async () => ({}), { path: long })).rejects.toThrow(/shorter HIVE_RUN_DIR/);
  });
});
