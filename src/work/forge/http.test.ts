import { createServer, type Server } from "node:https";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { certificates } from "../../../test/lib/certificates.ts";
import { ForgeApi } from "./api.ts";
import { callForge, ForgeRefusal, ForgeWait, type ForgeConnection } from "./http.ts";
import { forgePlace } from "./place.ts";

const NOW = 1_800_000_000_000;
const made = certificates(["IP:127.0.0.1"]);
const { signal } = new AbortController();

let server: Server;
let connection: ForgeConnection;
let seen: { url: string | undefined; headers: IncomingHttpHeaders }[];
let answer: (outgoing: ServerResponse) => void;

beforeEach(async () => {
  seen = [];
  server = createServer({ key: made.key, cert: made.certificate }, (incoming, outgoing) => {
    seen.push({ url: incoming.url, headers: incoming.headers });
    answer(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  connection = {
    place: forgePlace({ protocol: "https", host: "127.0.0.1", port, path: "/acme/web.git" }, "github"),
    pinned: "127.0.0.1",
    ca: made.authority,
    token: "tkn",
    net: { resolve: async () => ["127.0.0.1"], isPublic: () => false },
    repo: "web",
    now: () => NOW,
  };
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const say = (status: number, json: unknown, headers: Record<string, string> = {}) => {
  answer = (outgoing) => void outgoing.writeHead(status, headers).end(typeof json === "string" ? json : JSON.stringify(json));
};
const call = () => callForge(connection, { method: "GET", path: "/pulls/7" }, signal);
const pull = { number: 7, state: "open", merged: false, head: { ref: "a", sha: "1", repo: null }, base: { ref: "main" } };

test("a call has the token in its header, and asks for the path of the repository only", async () => {
  say(200, { ok: true }, { etag: '"a"' });
  expect(await call()).toEqual({ json: { ok: true }, etag: '"a"' });
  expect(seen).toMatchObject([{ url: "/api/v3/repos/acme/web/pulls/7", headers: { authorization: "Bearer tkn" } }]);
});

test.each<[string, number, unknown, Record<string, string>, RegExp]>([
  ["a refused token", 401, {}, {}, /refuses the token.*hivectl repo login web --forge-token-stdin/],
  ["a token without the right", 403, { message: "Resource not accessible" }, {}, /does not allow it \(Resource not accessible\)/],
  ["a repository that is hidden", 404, {}, {}, /has no acme\/web, or hides it from this token/],
  ["a failure of the server", 502, "<html>", {}, /answers with 502: the hive tries again later/],
  ["a page instead of an answer", 200, "<html>", {}, /answers with what is no pull request.*github now/],
  ["a redirect", 301, {}, { location: "https://elsewhere.example/x" }, /redirects the call, which the hive does not follow/],
  ["words with control characters", 403, { message: "a\u001b[31mb\nc" }, {}, /does not allow it \(a \[31mb c\)/],
])("%s is an error that says what to do", async (_what, status, json, headers, words) => {
  say(status, json, headers);
  await expect(call()).rejects.toThrow(words);
  expect(seen).toHaveLength(1);
});

test.each<[string, number, Record<string, string>, number]>([
  ["a number of seconds", 429, { "retry-after": "30" }, 30_000],
  ["the end of the hour's calls", 403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(NOW / 1000 + 90) }, 90_000],
  ["nonsense", 429, { "retry-after": "soon" }, 0],
  ["a year", 503, { "retry-after": "31536000" }, 7_200_000],
])("a forge that asks to wait: %s", async (_what, status, headers, ms) => {
  say(status, {}, headers);
  const error: unknown = await call().catch((problem: unknown) => problem);
  expect(error).toBeInstanceOf(ForgeWait);
  expect((error as ForgeWait).ms).toBe(ms);
});

test("what it does not take is a refusal, with every reason that it gives", async () => {
  say(422, { message: "Validation Failed", errors: [{ message: "No commits between main and a" }, "and more"] });
  const error: unknown = await call().catch((problem: unknown) => problem);
  expect(error).toBeInstanceOf(ForgeRefusal);
  expect(String(error)).toContain("(Validation Failed: No commits between main and a: and more)");
});

test.each([
  ["as it is", "tkn-8f2a-of-the-operator"],
  ["as https sends it to git", Buffer.from("x-access-token:tkn-8f2a-of-the-operator").toString("base64")],
])("a forge that says the token back, %s, does not get it into an error or a mark", async (_how, echo) => {
  connection = { ...connection, token: "tkn-8f2a-of-the-operator" };
  say(422, { message: `bad ${echo}`, errors: [{ message: `no ${echo}` }] });
  const error: unknown = await call().catch((problem: unknown) => problem);
  expect(error).toBeInstanceOf(ForgeRefusal);
  expect(String(error)).toContain("[credential]");
  for (const status of [403, 404, 429, 500]) {
    say(status, { message: echo });
    await expect(call()).rejects.toThrow("[credential]");
    expect(String(await call().catch((problem: unknown) => problem))).not.toContain(echo);
  }
  expect(String(error)).not.toContain(echo);
  say(200, { ...pull, base: { ref: echo } }, { etag: `"${echo}"` });
  const read = await new ForgeApi(connection, signal).read(7, undefined);
  expect(JSON.stringify(read)).not.toContain(echo);
  expect(read.etag).toBeUndefined();
});

test("an answer has a bound", async () => {
  answer = (outgoing) => {
    outgoing.writeHead(200);
    outgoing.on("error", () => {}); // The hive hangs up.
    outgoing.write(Buffer.alloc(5 * 1024 * 1024, " "));
  };
  await expect(call()).rejects.toThrow(/more than 4 MiB/);
});

test("a connection that breaks, and a certificate that is not trusted, are said as such", async () => {
  answer = (outgoing) => void outgoing.destroy();
  await expect(call()).rejects.toThrow(/the connection to 127\.0\.0\.1 broke/);
  connection = { ...connection, ca: undefined };
  await expect(call()).rejects.toThrow(/certificate of 127\.0\.0\.1 is not trusted/);
});

test("a private address is not asked without the operator's word", async () => {
  connection = { ...connection, pinned: undefined };
  await expect(call()).rejects.toThrow(/has a private address/);
  expect(seen).toEqual([]);
});

test.each([
  ["a number that is none", { ...pull, number: "7" }],
  ["another state", { ...pull, state: "draft" }],
  ["no branch", { ...pull, head: undefined }],
  ["a branch whose name does not end", { ...pull, base: { ref: "x".repeat(300) } }],
  ["a commit of many characters", { ...pull, head: { ...pull.head, sha: "1".repeat(300) } }],
  ["a list", [pull]],
])("a pull request with %s is no pull request", async (_what, json) => {
  say(200, json);
  await expect(new ForgeApi(connection, signal).read(7, undefined)).rejects.toThrow(/answers with what is no pull request/);
});

test("an open pull request has no merge, whatever commit it names", async () => {
  say(200, { ...pull, merge_commit_sha: "7".repeat(40) });
  expect((await new ForgeApi(connection, signal).read(7, undefined)).pull).toMatchObject({ state: "open", mergedAs: undefined });
  say(200, { ...pull, state: "closed", merged: true, merge_commit_sha: "not a commit" });
  expect((await new ForgeApi(connection, signal).read(7, undefined)).pull).toMatchObject({
    state: "merged",
    mergedAs: undefined,
  });
});
