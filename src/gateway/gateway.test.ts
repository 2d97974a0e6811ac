import { request, createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer, connect as tlsConnect } from "node:tls";
import { connect, type AddressInfo, type Socket } from "node:net";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { isPublicAddress } from "./egress/address.ts";
import { isListed, splitAuthority } from "./egress/allow.ts";
import { passedHeaders } from "./egress/headers.ts";
import type { EgressRecord } from "./egress/proxy.ts";
import { readHello } from "./egress/sni.ts";
import { Gateway, type Listening } from "./gateway.ts";
import { anthropic } from "./anthropic/dialect.ts";
import { liveUpstream } from "./anthropic/live.ts";
import { costOf } from "./model/prices.ts";
import type { UpstreamSignal, Usage } from "./model/dialect.ts";
import { HiveError } from "../wire/error.ts";

const MODELS = ["sonnet"];
const body = (extra: object = {}) => ({ model: "claude-sonnet-5-5", messages: [{ role: "user", content: "hi" }], ...extra });

test("prices use the longest prefix and the cache's own rates; an unknown model has tokens but no cost", () => {
  const tokens = { input: 1_000_000, output: 1_000_000, cache_read: 1_000_000, cache_write: 1_000_000 };
  expect(costOf("claude-sonnet-4-5-20250929", tokens)).toBeCloseTo(3 + 15 + 0.3 + 3.75);
  expect(costOf("claude-opus-5-5", tokens)).toBeCloseTo(4 + 20 + 0.2 + 5);
  // A request with a long prompt has another price; a version that is not listed has none.
  expect(costOf("claude-haiku-5-5", tokens)).toBeCloseTo(0.5 + 2.5 + 0.05 + 0.625);
  const short = { input: 1000, output: 1000, cache_read: 0, cache_write: 0 };
  expect(costOf("claude-haiku-5-5", short)).toBeCloseTo(0.0006);
  expect(["claude-opus-6", "claude-opus-5-9", "claude-sonnet-6-20270101"].map((id) => costOf(id, tokens))).toEqual(
    Array(3).fill(undefined),
  );
  expect(costOf("somebody-elses", tokens)).toBeUndefined();
  expect(costOf("somebody-elses", tokens, { somebody: { input: 1, output: 0, cache_read: 0, cache_write: 0 } })).toBe(1);
});

describe("addresses and lists", () => {
  test.each([
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "3fff::1",
    "4000::1",
    "1000::1",
    "100:0:0:1::1",
    "fe80::1%eth0",
    "2606:4700:4700::1111%eth0",
    "192.31.196.1",
    "192.52.193.1",
    "192.175.48.1",
    "nonsense",
    "",
  ])("%s is not the public internet", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
  test.each(["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"])("%s is the public internet", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  test("a list names hosts and ports; a star matches only names below it", () => {
    const list = ["example.org", "*.example.net", "git.example:9418"];
    expect(isListed(list, "example.org", 443)).toBe(true);
    expect(isListed(list, "EXAMPLE.ORG.", 80)).toBe(true);
    expect(isListed(list, "example.org", 22)).toBe(false);
    expect(isListed(list, "www.example.org", 443)).toBe(false);
    expect(isListed(list, "a.b.example.net", 443)).toBe(true);
    expect(isListed(list, "example.net", 443)).toBe(false);
    expect(isListed(list, "evilexample.net", 443)).toBe(false);
    expect(isListed(list, "git.example", 9418)).toBe(true);
    expect(isListed(list, "git.example", 443)).toBe(false);
  });

  test("an authority is host:port and nothing else", () => {
    expect(splitAuthority("example.org:443")).toEqual({ host: "example.org", port: 443 });
    expect(splitAuthority("[::1]:443")).toEqual({ host: "::1", port: 443 });
    for (const bad of [
      "example.org",
      "example.org:0",
      "example.org:99999",
      "a b:1",
      "user@example.org:443",
      "example.org:443/path",
      "",
    ])
      expect(splitAuthority(bad), bad).toBeUndefined();
  });

  test("a ClientHello is read incrementally, and anything else is recognised", () => {
    expect(readHello(Buffer.from("GET / HTTP/1.1\r\n\r\n"))).toEqual({ kind: "not-tls" });
    expect(readHello(Buffer.from("SSH-2.0-x\r\n"))).toEqual({ kind: "not-tls" });
    expect(readHello(Buffer.from([0x16, 3, 1, 0, 5, 1, 0]))).toEqual({ kind: "more" });
    expect(readHello(Buffer.from([0x16, 3, 1, 0, 4, 1, 0, 0, 0]))).toEqual({ kind: "not-tls" });
  });
});

/** A gateway on real sockets, with an upstream and a resolver of the test. */
let folder: string;
let listening: Listening;
/** The credential of the agent. */
let credentialOf: () => string;
let signals: UpstreamSignal[];
let usages: Usage[];
/** Lets a request pass, or refuses it. */
let enter: (model: string) => Promise<() => void>;
let records: EgressRecord[];
let hosts: string[];
let addresses: Record<string, string[]>;
let upstream: { url: string; stop(): Promise<void>; seen: IncomingMessage["headers"][] };
let behave: (
  path: string,
  body: string,
) => { status?: number; headers?: Record<string, string>; chunks?: string[]; breakOff?: boolean; hang?: boolean };

beforeAll(async () => {
  const seen: IncomingMessage["headers"][] = [];
  const server = createServer((incoming, outgoing) => {
    let text = "";
    incoming.on("data", (chunk: Buffer) => (text += chunk.toString()));
    incoming.on("end", () => {
      seen.push(incoming.headers);
      const {
        status = 200,
        headers = { "content-type": "application/json" },
        chunks = ["{}"],
        breakOff,
        hang,
      } = behave(incoming.url ?? "", text);
      if (hang) return;
      outgoing.writeHead(status, headers);
      // Broken off only after the first part was sent.
      for (const chunk of chunks) outgoing.write(chunk, () => breakOff === true && outgoing.destroy());
      if (breakOff !== true) outgoing.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  upstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
});
afterAll(() => upstream.stop());

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "gw-"));
  [signals, usages, records, hosts, addresses] = [[], [], [], [], {}];
  upstream.seen.length = 0;
  behave = () => ({});
  enter = async () => () => {};
  credentialOf = () => "default";
  const gateway = new Gateway({
    model: {
      dialect: anthropic,
      upstream: liveUpstream(upstream.url, (name) => ({
        kind: "api-key",
        value: name === "work" ? "that-of-work" : "the-hives-own",
      })),
      modelsOf: () => MODELS,
      prices: {},
      credentialOf: () => credentialOf(),
      enter: (_, model) => enter(model),
      onUsage: (usage) => void usages.push(usage),
      onSignal: (signal) => void signals.push(signal),
      onUnexpected(error) {
        throw error;
      },
    },
    egress: {
      hostsOf: () => hosts,
      resolve: async (host) => {
        const found = addresses[host];
        if (!found) throw new Error("ENOTFOUND");
        return found;
      },
      // In these tests 127.0.0.1 counts as public; all other addresses are checked as usual.
      isPublic: (address) => address === "127.0.0.1" || isPublicAddress(address),
      onRecord: (record) => void records.push(record),
    },
  });
  listening = await gateway.listen(
    { id: "a1", name: "ada" },
    { model: join(folder, "model.sock"), egress: join(folder, "egress.sock") },
  );
});
afterEach(async () => {
  await listening.close();
  rmSync(folder, { recursive: true, force: true });
});

function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<{ status: number; headers: IncomingMessage["headers"]; text: string; isWhole: boolean }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath: join(folder, "model.sock"),
        method: options.method ?? "POST",
        path,
        headers: { "content-type": "application/json", ...options.headers },
      },
      (incoming) => {
        let text = "";
        incoming.on("data", (chunk: Buffer) => (text += chunk.toString()));
        incoming.on("close", () =>
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, isWhole: incoming.complete }),
        );
        incoming.on("error", () => {}); // The test checks its end, not the reason.
      },
    );
    outgoing.on("error", reject);
    outgoing.end(
      options.method === undefined || options.method === "POST" ? (options.body ?? JSON.stringify(body())) : undefined,
    );
  });
}

describe("model.sock", () => {
  test.each([
    ["GET", "/v1/messages"],
    ["POST", "/v1/files"],
    ["POST", "/v1/messages/batches"],
    ["POST", "/v1/complete"],
    ["GET", "/v1/models"],
    ["POST", "/v1/messages/../files"],
    ["POST", "/"],
    ["DELETE", "/v1/messages"],
  ])("%s %s is not served", async (method, path) => {
    const answer = await ask(path, { method });
    expect(answer.status).toBe(404);
    expect(upstream.seen).toEqual([]);
  });

  test("the hive's credential replaces the agent's upstream", async () => {
    const answer = await ask("/v1/messages?beta=true", { headers: { "x-api-key": "mine", authorization: "Bearer mine" } });
    expect(answer.status).toBe(200);
    expect(upstream.seen[0]).toMatchObject({ "x-api-key": "the-hives-own" });
    expect(upstream.seen[0]).not.toHaveProperty("authorization");
    expect(signals).toEqual([{ agentId: "a1", credential: "default", kind: "ok" }]);
  });

  test("an agent of another credential is answered with that one, and one whose credential is missing is refused", async () => {
    credentialOf = () => "work";
    await ask("/v1/messages");
    expect(upstream.seen[0]).toMatchObject({ "x-api-key": "that-of-work" });
    expect(signals).toEqual([{ agentId: "a1", credential: "work", kind: "ok" }]);
    credentialOf = () => {
      throw new HiveError("bad_request", "the credential work is missing");
    };
    const refused = await ask("/v1/messages");
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining("hyperhive: the credential work is missing")]);
    expect(upstream.seen).toHaveLength(1);
  });

  test.each([
    ["a field that is not listed", "/v1/messages", { mcp_servers: [] }, "hyperhive: mcp_servers: "],
    ["another model", "/v1/messages", { model: "claude-opus-5-5" }, "hyperhive: the model "],
    ["another query", "/v1/messages?beta=true&beta=false", {}, "hyperhive: the query "],
  ])("%s looks like a bad request: the CLI neither retries nor asks for a login", async (_what, path, extra, message) => {
    const answer = await ask(path, { body: JSON.stringify(body(extra)) });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toMatchObject({
      type: "error",
      error: { type: "invalid_request_error", message: expect.stringContaining(message) as string },
    });
    expect(upstream.seen).toEqual([]);
  });

  test("tokens are metered from the stream, whatever the cage claims", async () => {
    const event = (data: object) => `event: x\ndata: ${JSON.stringify(data)}\n\n`;
    behave = () => ({
      headers: { "content-type": "text/event-stream" },
      chunks: [
        event({
          type: "message_start",
          message: {
            model: "claude-sonnet-5-5",
            usage: { input_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 3, output_tokens: 1 },
          },
        }),
        event({ type: "message_delta", usage: { output_tokens: 42 } }),
        event({ type: "message_stop" }),
      ],
    });
    await ask("/v1/messages");
    expect(usages).toMatchObject([
      { agentId: "a1", model: "claude-sonnet-5-5", tokens: { input: 10, output: 42, cache_read: 5, cache_write: 3 } },
    ]);
    expect(usages[0]?.costUsd).toBeGreaterThan(0);
  });

  test.each([
    [401, {}, "unauthorized"],
    [403, {}, "unauthorized"],
    [429, { "retry-after": "30" }, "rate_limited"],
    [500, {}, "overloaded"],
    [529, {}, "overloaded"],
  ])("an upstream's %i is passed on and reported", async (status, headers, kind) => {
    behave = () => ({ status, headers: { "content-type": "application/json", ...headers } });
    expect((await ask("/v1/messages")).status).toBe(status);
    expect(signals[0]?.kind).toBe(kind);
    if (kind === "rate_limited") expect((signals[0]?.resetsAt ?? 0) - Date.now()).toBeGreaterThan(25_000);
  });

  test("a request that the policy refuses is a limit that the CLI does not retry, and is not sent", async () => {
    enter = async () => {
      throw new HiveError("rate_limited", "the budget of $5.00 a day is used up");
    };
    const answer = await ask("/v1/messages");
    expect([answer.status, answer.headers["x-should-retry"]]).toEqual([429, "false"]);
    expect(answer.text).toContain("hyperhive: the budget of $5.00 a day is used up");
    // Counting tokens is free.
    expect((await ask("/v1/messages/count_tokens")).status).toBe(200);
    expect(upstream.seen).toHaveLength(1);
  });

  test("a request leaves its place after its usage is counted, also when it breaks off", async () => {
    const order: string[] = [];
    enter = async (model) => {
      order.push(`enters with ${model}`);
      return () => void order.push(`leaves with ${usages.length} counted`);
    };
    behave = () => ({ chunks: [JSON.stringify({ model: "unpriced-1", usage: { input_tokens: 1_000_000, output_tokens: 0 } })] });
    await ask("/v1/messages");
    expect(order).toEqual([`enters with ${body().model}`, "leaves with 1 counted"]);
    behave = () => ({ headers: { "content-type": "text/event-stream" }, chunks: ["event: x\ndata: {}\n\n"], breakOff: true });
    // A client either throws on the break or reports an incomplete answer.
    await ask("/v1/messages").catch(() => ({}));
    expect(order).toHaveLength(4);
  });

  test("a stream that breaks off upstream breaks off for the client, so half an answer is not taken for a whole one", async () => {
    behave = () => ({ headers: { "content-type": "text/event-stream" }, chunks: ["event: x\ndata: {}\n\n"], breakOff: true });
    // A client either throws on the break or reports an incomplete answer.
    const answer = await ask("/v1/messages").catch(() => ({ isWhole: false }));
    expect(answer.isWhole).toBe(false);
  });

  test("a body over 32 MiB is refused without being buffered", async () => {
    // The gateway may hang up before the whole body is sent.
    const answer = await ask("/v1/messages", { body: Buffer.alloc(33 * 1024 * 1024, "x") }).catch(() => ({ status: 0 }));
    expect([413, 0]).toContain(answer.status);
    expect(upstream.seen).toEqual([]);
  });

  test("a cage that closes its request ends the request upstream", async () => {
    behave = () => ({ hang: true });
    const socket = connect(join(folder, "model.sock"));
    const text = JSON.stringify(body());
    socket.write(
      `POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    );
    while (upstream.seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    // The gateway closes without waiting for the upstream, which never answers.
    await listening.close();
    expect(usages).toEqual([]);
  });
});

describe("egress.sock", () => {
  function tunnel(authority: string): Promise<{ socket: Socket; answer: string }> {
    return new Promise((resolve, reject) => {
      const socket = connect(join(folder, "egress.sock"));
      socket.on("error", reject);
      socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
      socket.once("data", (data) => resolve({ socket, answer: data.toString() }));
    });
  }
  let tls: { port: number; stop(): Promise<void> };
  beforeAll(async () => {
    const made = mkdtempSync(join(tmpdir(), "tls-"));
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        join(made, "k"),
        "-out",
        join(made, "c"),
        "-days",
        "2",
        "-subj",
        "/CN=listed.example",
      ],
      { stdio: "ignore" },
    );
    const server = createTlsServer({ key: readFileSync(join(made, "k")), cert: readFileSync(join(made, "c")) }, (socket) => {
      socket.on("error", () => {}); // The test checks its end, not the reason.
      socket.end("over tls");
    });
    server.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    rmSync(made, { recursive: true });
    tls = {
      port: (server.address() as AddressInfo).port,
      stop: () => new Promise((resolve) => void server.close(() => resolve())),
    };
  });
  afterAll(() => tls.stop());

  test("carries TLS to a listed host and records the traffic", async () => {
    hosts = [`listed.example:${tls.port}`];
    addresses = { "listed.example": ["127.0.0.1"] };
    const { socket, answer } = await tunnel(`listed.example:${tls.port}`);
    expect(answer).toMatch(/^HTTP\/1.1 200/);
    const text = await new Promise<string>((resolve, reject) => {
      const secure = tlsConnect({ socket, servername: "listed.example", rejectUnauthorized: false });
      let said = "";
      secure.on("data", (data: Buffer) => (said += data.toString()));
      secure.on("end", () => resolve(said));
      secure.on("error", reject);
    });
    expect(text).toBe("over tls");
    await new Promise((resolve) => socket.once("close", resolve));
    while (records.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(records).toMatchObject([{ host: "listed.example", verdict: "allowed" }]);
    expect(records[0]?.bytesIn).toBeGreaterThan(100);
  });

  test("a TLS server name that differs from the requested host ends the connection", async () => {
    hosts = [`listed.example:${tls.port}`];
    addresses = { "listed.example": ["127.0.0.1"] };
    const { socket } = await tunnel(`listed.example:${tls.port}`);
    const error = await new Promise<Error>((resolve) => {
      tlsConnect({ socket, servername: "hidden.example", rejectUnauthorized: false }).on("error", resolve);
    });
    expect(error.message).toMatch(/unrecognized name/i);
    expect(records).toMatchObject([{ host: "listed.example", verdict: "wrong server name", serverName: "hidden.example" }]);
  });

  test("a tunnel carries only TLS", async () => {
    hosts = [`listed.example:${tls.port}`];
    addresses = { "listed.example": ["127.0.0.1"] };
    const { socket } = await tunnel(`listed.example:${tls.port}`);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write("SSH-2.0-x\r\n");
    await closed;
    expect(records).toMatchObject([{ verdict: "not TLS" }]);
  });

  test.each([
    ["a host that is not listed", "other.example:443", "not listed"],
    ["a listed host on another port", "ghost.example:22", "port not listed"],
    ["this machine by name, not listed", "localhost:443", "private address"],
    ["a private address that is not listed", "192.168.7.7:443", "private address"],
    ["a listed name with a private address", "metadata.example:443", "private address"],
    ["a listed name with one private address among public ones", "mixed.example:443", "private address"],
    ["a listed address of this machine's network", "10.0.0.1:443", "private address"],
    ["a listed name that does not exist", "ghost.example:443", "no such host"],
  ])("%s is refused with the reason", async (_what, authority, verdict) => {
    hosts = ["metadata.example", "mixed.example", "ghost.example", "10.0.0.1"];
    addresses = { "metadata.example": ["169.254.169.254"], "mixed.example": ["1.1.1.1", "192.168.0.1"] };
    const { answer } = await tunnel(authority);
    expect(answer).toMatch(/^HTTP\/1.1 403[\s\S]*hyperhive: /);
    expect(records).toMatchObject([{ verdict }]);
  });

  test("plain GET reaches listed hosts; POST and relative paths are refused", async () => {
    const { port } = new URL(upstream.url);
    hosts = [`web.example:${port}`];
    addresses = { "web.example": ["127.0.0.1"] };
    behave = () => ({ chunks: ["plain"] });
    const get = (method: string, path: string): Promise<{ status: number; text: string }> =>
      new Promise((resolve, reject) => {
        const outgoing = request({ socketPath: join(folder, "egress.sock"), method, path }, (incoming) => {
          let text = "";
          incoming.on("data", (chunk: Buffer) => (text += chunk.toString()));
          incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, text }));
        });
        outgoing.on("error", reject);
        outgoing.end();
      });
    expect(await get("GET", `http://web.example:${port}/page`)).toEqual({ status: 200, text: "plain" });
    expect((await get("POST", `http://web.example:${port}/page`)).status).toBeGreaterThanOrEqual(400);
    expect((await get("GET", "/page")).status).toBeGreaterThanOrEqual(400);
    expect((await get("GET", "http://other.example/")).status).toBe(403);
    expect(records.map((one) => one.verdict).filter((verdict) => verdict !== "allowed")).toEqual([
      "method not allowed",
      "bad request",
      "not listed",
    ]);
  });

  test("only listed headers of a plain request are forwarded", () => {
    const kept = { accept: "*/*", range: "bytes=0-9", "user-agent": "curl/8", authorization: "Basic eA==" };
    const dropped = {
      te: "trailers",
      upgrade: "h2c",
      "content-length": "5",
      "transfer-encoding": "chunked",
      expect: "100-continue",
    };
    const forProxy = { "proxy-authorization": "Basic eA==", "proxy-connection": "keep-alive", "x-forwarded-for": "10.0.0.1" };
    const ofConnection = { connection: "close, Referer", referer: "http://a.example/" };
    expect(passedHeaders({ ...kept, ...dropped, ...forProxy, ...ofConnection })).toEqual(kept);
  });
});
