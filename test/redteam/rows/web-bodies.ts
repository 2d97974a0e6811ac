import { connect } from "node:net";
import { MAX_LINE_BYTES } from "../../../src/wire/limits.ts";
import { parseAnswer, refusal } from "../outside/http.ts";
import { allRefused, bytes, json, jsonPost, raw, sent } from "../outside/requests.ts";
import type { Place } from "../outside/place.ts";
import { outsideRow, type OutsideRow } from "../row.ts";

/** Bodies, headers and addresses that two readers could understand in two ways, or that have no end. */

const PARSER = "the HTTP parser";
const row = outsideRow<Place>("web", "web");

export const bodyRows: readonly OutsideRow<Place>[] = [
  row("keys-twice", "name a recipient twice", "the parser of JSON", /400 the key .*appears twice/, (place) =>
    sent(place, json, { body: '{"to":"ada","to":"eve","body":"x"}' }),
  ),
  row("encoding", "send bytes that are not UTF-8", "the parser of JSON", /400 a body is UTF-8/, (place) => {
    const body = Buffer.from('{"to":"ada","body":"x??x"}').map((byte) => (byte === 0x3f ? 0xff : byte));
    const head = jsonPost(place, "/api/send", ["Connection: close", `Content-Length: ${body.length}`]);
    return raw(place, Buffer.concat([Buffer.from(head), body]));
  }),
  row("nesting", "nest lists without end", "the parser of JSON", /400 nested deeper than/, (place) =>
    sent(place, json, { body: `{"to":"ada","body":${"[".repeat(50_000)}` }),
  ),
  row("body-large", "send a body over the limit", "the limit of bytes", /413/, (place) =>
    sent(place, json, { body: `{"to":"ada","body":"${"x".repeat(MAX_LINE_BYTES + 10)}"}` }),
  ),
  row("body-endless", "send a body over the limit in chunks, without its length", "the limit of bytes", /413/, (place) => {
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    const head = jsonPost(place, "/api/send", ["Transfer-Encoding: chunked"]);
    return raw(place, head + chunk.repeat(64));
  }),
  row("smuggling-length", "give a body two lengths", PARSER, /400/, (place) =>
    raw(place, jsonPost(place, "/api/list", ["Content-Length: 2", "Content-Length: 60"], "{}")),
  ),
  row("smuggling-chunks", "give a body a length and chunks", PARSER, /400/, (place) =>
    raw(place, jsonPost(place, "/api/list", ["Content-Length: 6", "Transfer-Encoding: chunked"], "0\r\n\r\nX")),
  ),
  row("smuggling-coding", "give a body an unknown coding after chunks", PARSER, /400/, (place) =>
    raw(place, jsonPost(place, "/api/list", ["Transfer-Encoding: chunked, identity"], "0\r\n\r\n")),
  ),
  row("smuggling-header", "hide a header behind a space or a bare line feed", PARSER, /400/, (place) =>
    allRefused(
      /400/,
      ["Host : 127.0.0.1", "X: a\nOrigin: b", " Folded: yes", "X\0Y: z"].map(
        (line) => () =>
          raw(place, bytes(place, "GET /api/state HTTP/1.1", `Host: 127.0.0.1:${place.port}`, "Connection: close", line, "", "")),
      ),
    ),
  ),
  row(
    "header-injection",
    "put a header into an answer through the address",
    "addresses stay encoded",
    /no header of the attacker/,
    async (place) => {
      for (const path of ["/x%0d%0aSet-Cookie:%20a=b", "/x?y=%0d%0aSet-Cookie:%20a=b", "/\u0105\u010d\u010aSet-Cookie: a=b"]) {
        const { headers } = await place.ask(path, { headers: { Host: `localhost:${place.port}` } });
        if (headers["set-cookie"] !== undefined) return `${path}: ${headers["set-cookie"]}`;
      }
      throw new Error("no header of the attacker in any answer");
    },
  ),
  row(
    "traversal",
    "read a file of the host through the address",
    "files are served from a list",
    /404|400|303/,
    async (place) => {
      const paths = [
        "/../../etc/passwd",
        "/assets/../../hive.db",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/%2e%2e%2f%2e%2e%2fpackage.json",
        "//etc/passwd",
        "/..\\..\\etc\\passwd",
        "/assets/..%00/hive.db",
        "/.env",
        "/package.json",
        "file:///etc/passwd",
      ];
      for (const path of paths)
        for (const cookie of [place.cookie, ""]) {
          const { body } = await place.ask(path, { cookie });
          if (/root:|"name": "hyperhive"|SQLite format/.test(body)) return `${path}: ${body.slice(0, 40)}`;
        }
      return refusal(await place.ask("/assets/../../hive.db", { cookie: place.cookie }));
    },
  ),
  row("cache", "find the state in a cache", "Cache-Control: no-store", /no-store on every answer/, async (place) => {
    for (const path of ["/", "/agent/ada", "/index.html", "/api/state"]) {
      const { headers } = await place.ask(path, { cookie: place.cookie });
      if (headers["cache-control"] !== "no-store") return `${path}: ${headers["cache-control"]}`;
    }
    throw new Error("no-store on every answer with the state");
  }),
  row("slow", "never end the headers of a request", "the time limit of headers", /408/, async (place) =>
    refusal(parseAnswer(await place.slow)),
  ),
  row(
    "crowd",
    "take every connection of the dashboard",
    "the limit of connections",
    /more than|refused|503|ECONNRESET/,
    async (place) => {
      const sockets = Array.from({ length: 1_100 }, () => connect(place.port, "127.0.0.1"));
      try {
        return await Promise.race(
          sockets.map(
            (socket) =>
              new Promise<string>((_, reject) => {
                let text = "";
                socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
                socket.on("error", reject);
                socket.on("close", () => reject(new Error(text.split("\n")[0] || "refused without words")));
              }),
          ),
        );
      } finally {
        for (const socket of sockets) socket.destroy();
        await place.checkWell();
      }
    },
  ),
];
