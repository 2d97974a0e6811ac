import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { certificates } from "../../../test/lib/certificates.ts";
import { AgentConfig } from "../../wire/config.ts";
import type { EgressRecord } from "../egress/proxy.ts";
import { Gateway, type Listening } from "../gateway.ts";
import type { DoorSecret } from "./call.ts";

/** An agent's calls to doors, against an API on loopback with a certificate of its own. */

const TOKEN = "ghp_0123456789abcdef";
const base64 = Buffer.from(TOKEN).toString("base64");
const tls = certificates(["DNS:api.example.com", "DNS:*.example.net"]);
let api: Server;
let port: number;
let folder: string;
let listening: Listening;
let answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void;
/** Calls that reached the API. */
let calls: { method: string; url: string; headers: IncomingHttpHeaders; body: string }[];
let connections: number;
let records: EgressRecord[];
let recorded: () => void;
let value: string | undefined;
let addresses: string[];
let url: string;

beforeAll(async () => {
  api = createServer({ key: tls.key, cert: tls.certificate }, (incoming, outgoing) => {
    void text(incoming).then((body) => {
      calls.push({ method: incoming.method ?? "", url: incoming.url ?? "", headers: incoming.headers, body });
      answer(incoming, outgoing);
    });
  });
  api.on("secureConnection", () => connections++);
  api.listen(0, "127.0.0.1");
  await once(api, "listening");
  port = (api.address() as AddressInfo).port;
});
afterAll(() => {
  api.closeAllConnections();
  api.close();
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "doors-"));
  [calls, connections, records, value, addresses, url] = [[], 0, [], TOKEN, ["192.0.2.1"], "https://api.example.com"];
  answer = (_, outgoing) => outgoing.end("fine");
  const secret = (): DoorSecret | undefined =>
    value === undefined ? undefined : { value, hidden: [value, base64], place: "[secret GH]" };
  const gateway = new Gateway({
    model: {} as never,
    egress: {
      hostsOf: () => [],
      resolve: async () => addresses,
      isPublic: (address) => address === "192.0.2.1",
      connect: () => connect({ host: "127.0.0.1", port }),
      doors: {
        apisOf: () =>
          AgentConfig.parse({
            apis: {
              api: {
                url,
                secret: "GH",
                header: "authorization: Bearer {}",
                allow: ["GET /**", "GET /", "POST /items", "DELETE /notes"],
              },
            },
          }).apis,
        secret,
        ca: tls.authority,
      },
      onRecord: (record) => {
        records.push(record);
        recorded();
      },
    },
  });
  recorded = () => {};
  listening = await gateway.listen(
    { id: "a1", name: "ada" },
    { model: join(folder, "model.sock"), egress: join(folder, "egress.sock") },
  );
});
afterEach(async () => {
  await listening.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}
/** A call over the agent's socket. The path is sent as it is. */
function ask(path: string, { method = "GET", body = "", headers = {} } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: join(folder, "egress.sock"), path, method, headers, agent: false }, (incoming) => {
      text(incoming).then((all) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: all }), reject);
    });
    sent.once("error", reject);
    sent.end(body);
  });
}
/** Resolves when so many calls are recorded. */
const untilRecorded = (count: number): Promise<void> =>
  new Promise((resolve) => {
    recorded = () => void (records.length >= count && resolve());
    recorded();
  });

describe("a call", () => {
  test("reaches the API with the secret, and the agent's own authorization does not", async () => {
    expect(await ask("/api/items/a%20b?n=1", { headers: { authorization: "Bearer own", accept: "x/y" } })).toMatchObject({
      status: 200,
      body: "fine",
    });
    expect(calls).toMatchObject([
      {
        method: "GET",
        url: "/items/a%20b?n=1",
        headers: { authorization: `Bearer ${TOKEN}`, host: "api.example.com", accept: "x/y" },
      },
    ]);
    await untilRecorded(1);
    expect(records).toEqual([
      {
        agentId: "a1",
        host: "api.example.com",
        port: 443,
        verdict: "allowed",
        bytesIn: 4,
        bytesOut: 0,
        call: { api: "api", method: "GET", path: "/items/a%20b", status: 200 },
      },
    ]);
    expect(JSON.stringify(records)).not.toContain(TOKEN);
  });

  test("carries a body, and its bytes are counted", async () => {
    await ask("/api/items", { method: "POST", body: "x".repeat(200_000), headers: { "content-type": "text/plain" } });
    expect(calls[0]?.body).toHaveLength(200_000);
    await untilRecorded(1);
    expect(records).toMatchObject([{ bytesOut: 200_000, call: { method: "POST" } }]);
  });

  test.each([
    ["in chunks", { "transfer-encoding": "chunked" }],
    ["with a length that is for this connection alone", { connection: "content-length", "content-length": "76" }],
  ])("with a method that Node frames no body for sends its body %s as a body, and no request behind it", async (_, headers) => {
    const body = "POST /admin/keys HTTP/1.1\r\nContent-Length: 0\r\nX-Ignore: ".padEnd(76, "x");
    await ask("/api/notes", { method: "DELETE", body, headers });
    await ask("/api/items");
    expect(calls.map(({ method, url: at, body: got }) => [method, at, got])).toEqual([
      ["DELETE", "/notes", body],
      ["GET", "/items", ""],
    ]);
  });

  test("of which only the head is answered hands it back, whatever its encoding says", async () => {
    answer = (_, outgoing) => outgoing.writeHead(304, { "content-encoding": "gzip" }).end();
    expect((await ask("/api/items")).status).toBe(304);
  });

  test("uses the connection of the one before", async () => {
    for (let n = 0; n < 5; n++) await ask("/api/items");
    expect([calls.length, connections]).toEqual([5, 1]);
  });

  test("has the value that the secret has then", async () => {
    await ask("/api/items");
    value = "ghp_the_next_value";
    await ask("/api/items");
    value = undefined;
    expect(await ask("/api/items")).toMatchObject({ status: 503, body: expect.stringContaining("has no secret GH") });
    expect(calls.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${TOKEN}`, "Bearer ghp_the_next_value"]);
    expect(records.at(-1)).toMatchObject({ verdict: "secret missing" });
  });

  test("that was answered by a redirect hands it back, and follows nothing", async () => {
    answer = (_, outgoing) => outgoing.writeHead(302, { location: "https://elsewhere.example/x" }).end();
    expect(await ask("/api/items")).toMatchObject({ status: 302, headers: { location: "https://elsewhere.example/x" } });
    expect(calls).toHaveLength(1);
  });

  test.each<[string, string, string, number]>([
    ["an encoded slash", "/api/items/a%2fb", "bad path", 400],
    ["dot segments", "/api/../other", "bad path", 400],
    ["another method in a parameter", "/api/items?_method=PUT", "bad path", 400],
    ["no rule", "/api/items", "call not listed", 403],
    ["no door", "/other/items", "no such door", 404],
  ])("with %s reaches nothing, and is recorded", async (what, path, verdict, status) => {
    const method = what === "no rule" ? "DELETE" : "GET";
    expect((await ask(path, { method })).status).toBe(status);
    expect([calls, connections]).toEqual([[], 0]);
    expect(records).toMatchObject([{ verdict, bytesIn: 0, bytesOut: 0 }]);
  });

  test("of many names leaves a bounded record", async () => {
    await ask(`/api/${"x".repeat(5000)}`, { method: "DELETE" });
    await ask(`/${"y".repeat(5000)}/a`);
    expect(records.map(({ call }) => [call?.api.length, call?.path.length])).toEqual([
      [3, 512],
      [32, 2],
    ]);
  });
});

describe("an answer that repeats the secret", () => {
  const echo = (encode: (body: string) => string | Buffer, headers = {}): void => {
    answer = (incoming, outgoing) => {
      const words = `you are ${incoming.headers.authorization ?? ""} (${base64}), again: ${TOKEN}`;
      const sent = encode(words);
      outgoing.writeHead(200, { "content-length": sent.length, ...headers }).end(sent);
    };
  };
  const REPLACED = "you are Bearer [secret GH] ([secret GH]), again: [secret GH]";

  test("has something else in its place", async () => {
    echo((body) => body, { "content-type": "text/plain" });
    expect(await ask("/api/items")).toMatchObject({ status: 200, body: REPLACED, headers: { "content-type": "text/plain" } });
  });

  test.each([
    ["gzip", gzipSync],
    ["br", brotliCompressSync],
    ["deflate", deflateSync],
  ])("compressed with %s, though it was not asked to, has it too", async (encoding, compress) => {
    echo(compress, { "content-encoding": encoding });
    const { body, headers } = await ask("/api/items", { headers: { "accept-encoding": encoding } });
    expect([body, headers["content-encoding"]]).toEqual([REPLACED, undefined]);
    expect(calls[0]?.headers["accept-encoding"]).toBe("identity");
  });

  test("in an encoding that cannot be read is not handed back", async () => {
    echo((body) => body, { "content-encoding": "zstd, gzip" });
    const { status, body } = await ask("/api/items");
    expect([status, body.includes(TOKEN)]).toEqual([502, false]);
    expect(records).toMatchObject([{ verdict: "answer not readable" }]);
  });

  test("in its headers has it too, and a cookie is kept back", async () => {
    answer = (incoming, outgoing) =>
      outgoing
        .writeHead(401, {
          "www-authenticate": `Bearer error="${incoming.headers.authorization ?? ""}"`,
          location: `https://x.example/?t=${TOKEN}`,
          "set-cookie": "session=1",
        })
        .end();
    const { headers } = await ask("/api/items");
    expect(headers["www-authenticate"]).toBe('Bearer error="Bearer [secret GH]"');
    expect(headers.location).toBe("https://x.example/?t=[secret GH]");
    expect(headers["set-cookie"]).toBeUndefined();
  });

  test("piece by piece, or in a part that was asked for, does not get past", async () => {
    answer = (_, outgoing) => {
      outgoing.writeHead(200);
      const pieces = `it is ${TOKEN}.`.split("");
      const next = (): void => {
        const piece = pieces.shift();
        if (piece === undefined) outgoing.end();
        else outgoing.write(piece, () => setImmediate(next));
      };
      next();
    };
    expect((await ask("/api/items", { headers: { range: "bytes=6-10" } })).body).toBe("it is [secret GH].");
    expect(calls[0]?.headers.range).toBeUndefined();
  });

  test.each([10, 100_000])("of %d further bytes, whose length is known before, has it too, and its own length", async (more) => {
    answer = (_, outgoing) => outgoing.end(`${TOKEN} ${"x".repeat(more)} ${TOKEN}`);
    const { body, headers } = await ask("/api/items");
    expect(body).toBe(`[secret GH] ${"x".repeat(more)} [secret GH]`);
    expect(headers["content-length"]).toBe(more === 10 ? String(body.length) : undefined);
    expect(records).toMatchObject([{ verdict: "allowed", bytesIn: 2 * TOKEN.length + more + 2, call: { status: 200 } }]);
  });

  test("and is cut off ends there, and the next call is served", async () => {
    answer = (_, outgoing) => {
      outgoing.writeHead(200, { "content-length": 1000 });
      outgoing.write(`it is ${TOKEN.slice(0, 12)}`, () => outgoing.destroy());
    };
    await expect(ask("/api/items")).rejects.toThrow();
    answer = (_, outgoing) => outgoing.end("fine");
    expect(await ask("/api/items")).toMatchObject({ body: "fine" });
  });
});

describe("no secret is sent", () => {
  test("to a server without a certificate for the name", async () => {
    url = "https://other.example.org";
    expect(await ask("/api/items")).toMatchObject({ status: 502 });
    expect(calls).toEqual([]);
    expect(records).toMatchObject([{ verdict: "unreachable" }]);
  });

  test.each([["10.0.0.1"], ["192.0.2.1", "127.0.0.1"]])(
    "to an address that is not public, or not public alone",
    async (...found) => {
      addresses = found;
      expect(await ask("/api/items")).toMatchObject({ status: 403, body: expect.stringContaining("private address") });
      expect([calls, connections, records]).toMatchObject([[], 0, [{ verdict: "private address" }]]);
    },
  );
});

test("a request to a proxy is no call of a door, whatever path it names", async () => {
  expect((await ask("http://api.example.com/api/items")).status).toBe(403);
  expect(records).toMatchObject([{ verdict: "not listed" }]);
  expect(calls).toEqual([]);
});
