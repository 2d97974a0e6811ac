import { exchange, rawHttp, throughProxy } from "../inside/net.ts";
import { secretIn } from "../inside/secret.ts";
import { cageRow, type CageRow } from "../row.ts";
import type { World } from "../world.ts";

/**
 * API doors as a way to calls that their rules do not allow, and to the secret that the hive adds. The attacker has the
 * doors `items` and `notes`, the victim has `private` (`granted.ts`). The API says again what it was sent (`api.ts`).
 */

const EGRESS_SOCKET = "/run/hive/egress.sock";
const RULES = "the rules of a door";
const PATH = "one reading of a path";
const ECHO = "the search of each answer for the secret";
const HEADERS = "the headers of a call";

const fromCage = cageRow("agent", "doors");

const requestOf = (line: string, headers: readonly string[]): string =>
  [`${line} HTTP/1.1`, "Host: door", "Connection: close", ...headers, "", ""].join("\r\n");
/** Calls a door with exactly these bytes. Rejects with the refusal. */
const call = (line: string, ...headers: string[]): Promise<string> => rawHttp(EGRESS_SOCKET, requestOf(line, headers));

/** Makes calls, each of which has to be refused with these words. Resolves with the first that is not. */
async function eachRefused(lines: readonly string[], refused: RegExp): Promise<string> {
  let words = "nothing was called";
  for (const line of lines) {
    words = await call(line).catch((error: unknown) => (error as Error).message);
    if (!refused.test(words)) return `${line}: ${words}`;
  }
  throw new Error(words);
}
const refusedPaths = (id: string, attempt: string, refused: RegExp, paths: readonly string[]): CageRow =>
  fromCage(id, attempt, PATH, refused, () =>
    eachRefused(
      paths.map((path) => `GET ${path}`),
      refused,
    ),
  );

/** Calls that arrived at the API with this in their address. Throws if there is none. */
function arrived(world: World, part: string): World["api"] {
  const calls = world.api.filter(({ url }) => url.includes(part));
  if (calls.length === 0) throw new Error(`no call with ${part} arrived`);
  return calls;
}

/** True if a call has the door's secret. Its beginning is no secret. */
const hasSecret = (seen: World["api"][number] | undefined): boolean =>
  seen?.headers.authorization?.startsWith("Bearer itm-") === true;

/** Ways in which an answer can repeat the credential that the API got. */
const ECHOES: readonly [what: string, words: string][] = [
  ["plain", "as it is"],
  ["base64", "in base64"],
  ["compressed", "in a compressed body"],
  ["header", "in a header"],
  ["pieces", "letter by letter"],
];

export const doorRows: readonly CageRow[] = [
  {
    ...fromCage("listed", "call what a rule of its door allows", RULES, /^$/, () => call("GET /items/items/1")),
    contained: "the operator has granted it",
    proof(world) {
      const [first] = arrived(world, "/v1/items/1");
      if (!hasSecret(first)) throw new Error("it arrived without the secret");
      return "it arrived with the secret: the rows below have a working door";
    },
  },
  refusedPaths("encoded-slash", "hide a separator of the path", /the path has an encoded \/, \\ or \./, [
    "/items/items/..%2f..%2fadmin",
    "/items/items/..%2Fadmin",
    "/items/items/..%5cadmin",
    "/items%2fadmin",
  ]),
  refusedPaths("dot-segments", "leave the allowed folder by its parents", /the path has a \. or \.\. segment/, [
    "/items/items/..",
    "/items/items/../admin",
    "/items/../private/x",
    "/items/./items/1",
    "/items/items/..;x=1/admin",
    "/items/..",
  ]),
  refusedPaths("encoded-dots", "leave the allowed folder by encoded dots", /the path has an encoded \/, \\ or \./, [
    "/items/items/%2e%2e/admin",
    "/items/items/.%2E/admin",
  ]),
  refusedPaths("encoded-twice", "encode a separator or dots twice", /the path is encoded twice/, [
    "/items/items/%252e%252e%252fadmin",
    "/items/items/%252fadmin",
  ]),
  refusedPaths("empty-segments", "shift the path by empty segments", /the path has an empty segment/, [
    "/items//items/1",
    "//items/items/1",
    "/items/items/;x/admin",
  ]),
  refusedPaths("odd-bytes", "send bytes that a server may read in its own way", /a character that has to be encoded|not UTF-8/, [
    "/items/items/1\\..\\admin",
    "/items/items/1#/admin",
    "/items/items/%c0%ae%c0%ae",
    "/items/items/%",
  ]),
  fromCage("other-path", "call with one door what another one allows", RULES, /is not in the rules of the door items/, () =>
    call("GET /items/notes/1"),
  ),
  fromCage("unlisted-path", "call a path that no rule allows", RULES, /is not in the rules of the door items/, () =>
    call("GET /items/admin"),
  ),
  fromCage("method", "use methods that no rule allows", RULES, /is not in the rules of the door items/, () =>
    eachRefused(
      ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].map((method) => `${method} /items/items/1`),
      // The answer to HEAD has no body.
      /is not in the rules of the door items|403 Forbidden: $/,
    ),
  ),
  fromCage("method-query", "ask for another method in the query", RULES, /the query asks for another method/, () =>
    eachRefused(
      ["_method=DELETE", "a=1&_METHOD=DELETE", "%5fmethod=DELETE", "x-http-method-override=DELETE"].map(
        (query) => `GET /items/items/1?${query}`,
      ),
      /the query asks for another method/,
    ),
  ),
  {
    ...fromCage("method-header", "ask for another method in a header", HEADERS, /^$/, () =>
      call(
        "GET /items/items/by-header",
        "X-HTTP-Method-Override: DELETE",
        "X-HTTP-Method: DELETE",
        "X-Method-Override: DELETE",
        "X-Original-URL: /v1/admin",
        "X-Rewrite-URL: /v1/admin",
      ),
    ),
    contained: "headers that ask for another method or path are dropped",
    proof(world) {
      const calls = JSON.stringify(arrived(world, "/by-header"));
      if (/DELETE|admin/.test(calls)) throw new Error(calls);
      return "none of them arrived";
    },
  },
  {
    ...fromCage("own-credential", "call with a credential of its own", HEADERS, /^$/, () =>
      call(
        "GET /items/items/own",
        "Authorization: Bearer evil",
        "X-Api-Key: evil",
        "Cookie: session=evil",
        "Private-Token: evil",
        "Sudo: evil",
        "Connection: authorization",
      ),
    ),
    contained: "the door's credential is sent, and no other",
    proof(world) {
      const calls = arrived(world, "/items/own");
      if (JSON.stringify(calls).includes("evil")) throw new Error(JSON.stringify(calls[0]?.headers));
      if (!calls.every(hasSecret)) throw new Error("without the secret");
      return "none of its own arrived";
    },
  },
  fromCage("body", "send a body with a call that only reads", RULES, /a GET has no body/, () =>
    rawHttp(EGRESS_SOCKET, `${requestOf("GET /items/items/1", ["Content-Length: 6"])}delete`),
  ),
  {
    ...fromCage(
      "smuggle",
      "hide a call that no rule allows in the body of one that deletes",
      "each body is framed",
      /^$/,
      async () => {
        const hidden = "DELETE /v1/admin/hidden HTTP/1.1\r\nHost: api\r\nContent-Length: 0\r\n\r\n";
        const chunks = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
        await rawHttp(EGRESS_SOCKET, `${requestOf("DELETE /items/own/chunked", ["Transfer-Encoding: chunked"])}${chunks}`);
        return rawHttp(EGRESS_SOCKET, `${requestOf("DELETE /items/own/counted", [`Content-Length: ${hidden.length}`])}${hidden}`);
      },
    ),
    contained: "it arrives as the body of the call",
    proof(world) {
      const bodies = ["/own/chunked", "/own/counted"].flatMap((part) => arrived(world, part).map(({ body }) => body));
      if (world.api.some(({ url }) => url.includes("hidden"))) throw new Error("the hidden call arrived");
      if (bodies.length !== 2 || !bodies.every((body) => body.includes("hidden"))) throw new Error("its body did not arrive");
      return "two calls arrived, with the hidden ones as their bodies";
    },
  },
  {
    ...fromCage("redirect", "let the API lead the hive to the host's loopback", RULES, /^$/, ({ host }) =>
      call(`GET /items/moved?to=http://127.0.0.1:${host.port}/`),
    ),
    contained: "the hive hands the redirect back and follows none",
    proof(world) {
      const calls = arrived(world, "/moved");
      if (calls.length !== 1 || world.reached.length > 0) throw new Error("it was followed");
      return "one call arrived at the API, and nothing at the loopback";
    },
  },
  ...ECHOES.map(([what, words]) =>
    fromCage(
      `echo-${what}`,
      `read the secret from an answer that repeats it ${words}`,
      ECHO,
      /\[secret ITEMS_TOKEN\]/,
      async ({ doorSecretBackwards }) => {
        const secret = Array.from(doorSecretBackwards).reverse().join("");
        const answer = await exchange({ path: EGRESS_SOCKET }, requestOf(`GET /items/echo/${what}`, []));
        // Chunks of a body have their sizes between them.
        const read = answer.replaceAll(/\r\n[0-9a-f]+\r\n/g, "");
        if ([secret, Buffer.from(secret).toString("base64")].some((form) => read.includes(form))) return "the secret was read";
        throw new Error(
          /it is in a header/.test(read) ? (/^x-credential.*$/m.exec(read)?.[0] ?? read) : (/it is .*/.exec(read)?.[0] ?? read),
        );
      },
    ),
  ),
  fromCage("of-another", "call a door of another agent", "the doors of an agent's config", /this agent has no door/, () =>
    eachRefused(["GET /private/x", "GET /PRIVATE/x", "GET /__proto__/x", "GET /constructor/x"], /this agent has no door/),
  ),
  fromCage("around", "reach the API past the door", "the list of hosts", /is not on this agent's egress list/, async () => {
    const plain = ["GET http://api.redteam.test/v1/admin HTTP/1.1", "Host: api.redteam.test", "Connection: close"];
    const first = await throughProxy(plain).catch((error: unknown) => error as Error);
    if (typeof first === "string") return first;
    return throughProxy(["CONNECT api.redteam.test:443 HTTP/1.1", "Host: api.redteam.test:443", "Connection: close"]);
  }),
  {
    ...fromCage(
      "secret",
      "find the secret of its door in a file, an environment or the memory of a process",
      "the hive adds it outside",
      /nothing in/,
      (bait) => secretIn(bait, "doorSecretBackwards"),
    ),
    alone: true,
    async proof(world) {
      const leaks = await world.valuesOutside(["ITEMS_TOKEN"]);
      if (leaks.length > 0) throw new Error(leaks.join(", "));
      const strays = world.api.filter(({ url }) => !/^\/v1\/(?:items|echo|own)\/[a-z0-9-]+$|^\/v1\/moved\?/.test(url));
      if (strays.length > 0)
        throw new Error(`these calls arrived: ${strays.map(({ method, url }) => `${method} ${url}`).join(", ")}`);
      return "nor in a log, an event or the database; only calls that a rule allows arrived";
    },
  },
];
