import { describe, expect, test } from "vitest";
import { AgentConfig } from "../../wire/config.ts";
import { schemaComplaint } from "../../wire/error.ts";
import { doorCall, type DoorSecret } from "./call.ts";
import { doorTarget } from "./path.ts";

const SECRET: DoorSecret = { value: "ghp_0123456789", hidden: ["ghp_0123456789"], place: "[secret GH]" };
const apisOf = (more: object = {}) =>
  AgentConfig.parse({
    apis: {
      github: {
        url: "https://api.github.com",
        secret: "GH",
        header: "Authorization: Bearer {}",
        allow: ["GET /repos/**", "GET /user", "POST /repos/*/*/issues", "GET /"],
        ...more,
      },
    },
  }).apis;

function call(method: string, target: string, headers: Record<string, string> = {}, more: object = {}) {
  const made = doorCall({ method, target, headers }, apisOf(more), () => SECRET);
  return "call" in made ? made.call : made.refused;
}

describe("a path that could be read in two ways is refused", () => {
  test.each([
    ["an encoded slash", "/github/repos/a%2fb"],
    ["an encoded slash in capitals", "/github/repos/a%2Fb"],
    ["an encoded backslash", "/github/repos/a%5cb"],
    ["a backslash", "/github/repos/a\\b"],
    ["an encoded dot", "/github/repos/%2e%2e/user"],
    ["one encoded dot of a name", "/github/repos/a%2Ejson"],
    ["dot segments", "/github/repos/../user"],
    ["a dot segment", "/github/./repos/a"],
    ["dot segments before the door", "/../github/user"],
    ["a dot segment with a parameter", "/github/repos/..;x=1/user"],
    ["an empty segment", "/github//user"],
    ["an empty segment with a parameter", "/github/;x/user"],
    ["an empty segment at the end", "/github/repos/a/"],
    ["a path that is encoded twice", "/github/repos/%252e%252e/user"],
    ["a slash that is encoded twice", "/github/repos/a%252Fb"],
    ["a NUL", "/github/repos/a%00"],
    ["a newline", "/github/repos/a%0d%0aX-Evil:%201"],
    ["bytes that are no UTF-8", "/github/repos/%c0%ae%c0%ae/user"],
    ["half an encoding", "/github/repos/%"],
    ["an overlong dot", "/github/repos/%c0%2e/user"],
    ["a fragment", "/github/repos/a#b"],
    ["a character that has to be encoded", "/github/repos/a|b"],
    ["more than a server takes", `/github/repos/${"a".repeat(9000)}`],
    ["another method in the query", "/github/repos/a?_method=DELETE"],
    ["another method in the query, encoded", "/github/repos/a?%5Fmethod=DELETE"],
    ["another method after others", "/github/repos/a?x=1&X-HTTP-Method-Override=DELETE"],
  ])("%s", (_, target) => {
    expect(doorTarget(target)).toBeTypeOf("string");
    expect(call("GET", target)).toMatchObject({ verdict: "bad path", status: 400 });
  });
});

describe("rules", () => {
  test.each<[string, string, string]>([
    ["GET", "/github/repos/a/b?page=2&q=%2e%2e%2f", "/repos/a/b?page=2&q=%2e%2e%2f"],
    ["GET", "/github/user", "/user"],
    ["POST", "/github/repos/o/r/issues", "/repos/o/r/issues"],
    ["GET", "/github", "/"],
    ["GET", "/github/", "/"],
    ["GET", "/github?a=1", "/?a=1"],
    // What is sent is written from what was matched, in one form.
    ["GET", "/github/repos/%61%20b/~c", "/repos/a%20b/~c"],
    ["GET", "/github/repos/caf%C3%A9", "/repos/caf%C3%A9"],
  ])("%s %s is sent as %s", (method, target, path) => {
    expect(call(method, target)).toMatchObject({ host: "api.github.com", port: 443, method, path });
  });

  test.each<[string, string]>([
    ["GET", "/github/users"],
    ["GET", "/github/user/keys"],
    ["GET", "/github/repos"],
    ["DELETE", "/github/repos/a"],
    ["HEAD", "/github/repos/a"],
    ["POST", "/github/repos/o/issues"],
    ["POST", "/github/repos/o/r/x/issues"],
    ["POST", "/github/graphql"],
    ["OPTIONS", "/github/repos/a"],
    ["get", "/github/repos/a"],
    ["GET", "/github/REPOS/a"],
  ])("%s %s is in none", (method, target) => {
    expect(call(method, target)).toMatchObject({ verdict: "call not listed", status: 403 });
  });

  test.each(["/gitlab/user", "/", "/constructor/x", "/__proto__/x"])("%s is no door", (target) => {
    expect(call("GET", target)).toMatchObject({ verdict: target === "/" ? "bad path" : "no such door" });
  });

  test("the path of the address stays before that of the call", () => {
    const more = { url: "https://git.example:8443/api/v4" };
    expect(call("GET", "/github/repos/a", {}, more)).toMatchObject({ host: "git.example", port: 8443, path: "/api/v4/repos/a" });
    expect(call("GET", "/github", {}, more)).toMatchObject({ path: "/api/v4" });
  });
});

describe("headers", () => {
  test("have the secret of the door, and no credential, other method or origin of the agent", () => {
    const dropped = {
      authorization: "Bearer own",
      "proxy-authorization": "Basic x",
      cookie: "session=own",
      "x-api-key": "own",
      "private-token": "own",
      "x-auth-token": "own",
      "ocp-apim-subscription-key": "own",
      sudo: "root",
      "x-http-method-override": "DELETE",
      "x-http-method": "DELETE",
      "x-method-override": "DELETE",
      "x-original-url": "/user",
      "x-rewrite-url": "/user",
      "x-forwarded-for": "127.0.0.1",
      forwarded: "for=127.0.0.1",
      range: "bytes=0-3",
      "if-range": "x",
      "accept-encoding": "zstd",
      "accept-charset": "utf-16",
      connection: "x-hop",
      "x-hop": "1",
      upgrade: "websocket",
      expect: "100-continue",
      host: "127.0.0.1:1",
    };
    const passed = {
      accept: "application/json",
      "user-agent": "gh",
      "x-github-api-version": "2022-11-28",
      "idempotency-key": "1",
      "if-none-match": '"x"',
    };
    expect(call("GET", "/github/user", { ...dropped, ...passed })).toMatchObject({
      headers: { ...passed, host: "api.github.com", "accept-encoding": "identity", authorization: "Bearer ghp_0123456789" },
    });
    const { headers } = call("GET", "/github/user", { ...dropped, ...passed }) as { headers: object };
    expect(Object.keys(headers).sort()).toEqual([...Object.keys(passed), "host", "accept-encoding", "authorization"].sort());
  });

  test("of another name replace what the agent sends under it", () => {
    expect(call("GET", "/github/user", { "x-anything": "own" }, { header: "X-Anything: v {} w" })).toMatchObject({
      headers: { "x-anything": "v ghp_0123456789 w" },
    });
  });

  test("of a call that reads announce no body", () => {
    expect(call("GET", "/github/user", { "content-length": "0" })).toMatchObject({ path: "/user" });
    expect(call("GET", "/github/user", { "content-length": "5" })).toMatchObject({ verdict: "bad request" });
    expect(call("GET", "/github/user", { "transfer-encoding": "chunked" })).toMatchObject({ verdict: "bad request" });
  });
});

test.each<[string, DoorSecret | undefined, string]>([
  ["is missing", undefined, "secret missing"],
  ["has two lines", { ...SECRET, value: "a\r\nX-Evil: 1" }, "secret not usable"],
  ["has a space at its end", { ...SECRET, value: "ghp_0123456789 " }, "secret not usable"],
  ["is too short to be kept out of answers", { ...SECRET, hidden: [] }, "secret not usable"],
])("no call is sent with a secret that %s", (_, secret, verdict) => {
  const made = doorCall({ method: "GET", target: "/github/user", headers: {} }, apisOf(), () => secret);
  expect("refused" in made && made.refused).toMatchObject({ verdict, status: 503 });
});

test.each<[string, object, RegExp]>([
  ["plain HTTP", { url: "http://api.github.com" }, /^apis\.github\.url: it is https/],
  ["a user", { url: "https://a@api.github.com" }, /url/],
  ["a query", { url: "https://api.github.com/?a" }, /url/],
  ["a path that climbs", { url: "https://api.github.com/a/.." }, /no \. or \.\. segment/],
  ["this machine", { url: "https://localhost" }, /this machine/],
  ["a private address", { url: "https://10.0.0.1" }, /private/],
  ["any host", { url: "https://*.github.com" }, /url/],
  ["a header without a place", { header: "authorization: Bearer" }, /with \{\} where the secret goes/],
  ["two places", { header: "authorization: {} {}" }, /with \{\} where the secret goes/],
  ["two lines in a header", { header: "a: {}\r\nb: c" }, /header/],
  ["a header of the connection", { header: "Host: {}" }, /a door does not set host/],
  ["a header of another method", { header: "X-HTTP-Method-Override: {}" }, /a door does not set/],
  ["a rule without a method", { allow: ["/repos"] }, /a rule is GET/],
  ["a star within a name", { allow: ["GET /repo*"] }, /a rule is GET/],
  ["two stars within a path", { allow: ["GET /**/x"] }, /a rule is GET/],
  ["a rule that climbs", { allow: ["GET /a/../b"] }, /a rule is GET/],
  ["an empty segment", { allow: ["GET /a//b"] }, /a rule is GET/],
  ["an unknown method", { allow: ["CONNECT /a"] }, /a rule is GET/],
])("a config with %s is refused", (_, more, words) => {
  const parsed = AgentConfig.safeParse({ apis: { github: { ...apisOf()["github"], ...more } } });
  expect(parsed.success ? "" : schemaComplaint(parsed.error)).toMatch(words);
});
