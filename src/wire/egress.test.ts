import { expect, test } from "vitest";
import { EgressHost } from "./config-values.ts";
import { isEgressHost, neverReached } from "./egress-host.ts";
import { PRESET_NAMES, presetHosts, presetWith } from "./egress-presets.ts";
import { missingEntry, reasonOf, withEgress } from "./egress.ts";

const denied = (host: string, port = 443, verdict = "not listed") => missingEntry({ host, port, verdict });

test("a denied host is proposed as the entry that would allow it, if there is such an entry", () => {
  expect(denied("a.example")).toBe("a.example");
  expect(denied("A.Example.", 80)).toBe("a.example");
  expect(denied("a.example", 8443, "port not listed")).toBe("a.example:8443");
  expect(denied("a.example", 443, "private address")).toBeUndefined();
  expect(denied("a.example", 443, "wrong server name")).toBeUndefined();
});

test("a host that cannot be an entry is not proposed", () => {
  for (const host of ["localhost", "nmp", "10.0.0.1", "127.1", "*.example", "a b", 'x","y', "::1", "", "\u202Eexample"])
    expect(denied(host), host).toBeUndefined();
});

test("withEgress adds the entry and changes nothing else", () => {
  const text = withEgress('{"model":"opus","egress":["a.example"],"env":{"X":"1"}}', "b.example:22");
  expect(JSON.parse(text)).toEqual({ model: "opus", egress: ["a.example", "b.example:22"], env: { X: "1" } });
  expect(JSON.parse(withEgress("{}", "b.example"))).toEqual({ egress: ["b.example"] });
  expect(() => withEgress('{"egress":["b.example"]}', "b.example")).toThrow(/listed already/);
  expect(() => withEgress("[]", "b.example")).toThrow(/not an object/);
});

test("a word without a dot is no host: a mistyped preset is refused with the one that was meant, and a port makes it one", () => {
  expect(() => withEgress("{}", "nmp")).toThrow("nmp is no host of the public internet: it has no dot; did you mean npm?");
  expect(() => withEgress("{}", "intranet")).toThrow("it has no dot; name it in full, or one of npm, pypi");
  expect(JSON.parse(withEgress("{}", "intranet:8080"))).toEqual({ egress: ["intranet:8080"] });
});

test("a preset adds its hosts, and is no entry itself", () => {
  expect(JSON.parse(withEgress('{"egress":["pypi.org"]}', "pypi"))).toEqual({ egress: ["pypi.org", "files.pythonhosted.org"] });
  expect(() => withEgress('{"egress":["registry.npmjs.org"]}', "npm")).toThrow("the hosts of npm are listed already");
  for (const name of PRESET_NAMES) {
    for (const host of presetHosts(name) ?? []) expect([isEgressHost(host), neverReached(host)]).toEqual([true, undefined]);
    const parsed = EgressHost.safeParse(name);
    expect(parsed.error?.issues[0]?.message).toMatch(`${name} is a word for hosts: list them, ${presetHosts(name)?.[0] ?? ""}`);
  }
  expect([presetWith("static.crates.io"), presetWith("a.example"), presetHosts("constructor")]).toEqual([
    "crates",
    undefined,
    undefined,
  ]);
});

test("an unknown verdict is returned unchanged", () => {
  expect(reasonOf("private address")).toBe("resolves to a private address");
  expect(reasonOf("toString")).toBe("toString");
});

test.each([
  ["0.0.0.0", "0.255.255.255", "1.0.0.0"],
  ["100.64.0.0", "100.127.255.255", "100.128.0.0"],
  ["172.16.0.0", "172.31.255.255", "172.32.0.0"],
  ["192.168.0.0", "192.168.255.255", "192.169.0.0"],
  ["224.0.0.0", "255.255.255.255", "223.255.255.255"],
])("the special range that begins with %s ends with %s and excludes %s", (first, last, outside) => {
  expect([first, last, outside].map((address) => neverReached(address) !== undefined)).toEqual([true, true, false]);
});

test("a host that is on the list by now is not proposed again", () => {
  expect(missingEntry({ host: "a.example", port: 443, verdict: "not listed", listed: true })).toBeUndefined();
});
