import { expect, test } from "vitest";
import { parseAddress } from "../../wire/remote.ts";
import { forgePlace, type Forge } from "./place.ts";

const place = (address: string, forge: Forge) => {
  const parts = parseAddress(address);
  if (typeof parts === "string") throw new Error(parts);
  return forgePlace(parts, forge);
};

test.each<[string, Forge, { host: string; port: number; api: string; isUpstream: boolean }, string]>([
  [
    "https://github.com/acme/web.git",
    "github",
    { host: "api.github.com", port: 443, api: "/repos/acme/web", isUpstream: false },
    "https://github.com/acme/web/pull/7",
  ],
  [
    "https://git.acme.example/acme/web",
    "github",
    { host: "git.acme.example", port: 443, api: "/api/v3/repos/acme/web", isUpstream: true },
    "https://git.acme.example/acme/web/pull/7",
  ],
  [
    "https://codeberg.org/acme/web.git",
    "forgejo",
    { host: "codeberg.org", port: 443, api: "/api/v1/repos/acme/web", isUpstream: true },
    "https://codeberg.org/acme/web/pulls/7",
  ],
  [
    "https://git.lan:3000/git/acme/web.git",
    "forgejo",
    { host: "git.lan", port: 3000, api: "/git/api/v1/repos/acme/web", isUpstream: true },
    "https://git.lan:3000/git/acme/web/pulls/7",
  ],
])("%s on %s", (address, forge, expected, page) => {
  const found = place(address, forge);
  expect(found).toMatchObject({ ...expected, owner: "acme", name: "web" });
  expect(found.page(7)).toBe(page);
});

test("the API of an upstream over ssh is asked over https", () => {
  const ssh = { protocol: "ssh", host: "git.lan", port: 2222, path: "/acme/web.git" };
  expect(forgePlace(ssh, "forgejo")).toMatchObject({ host: "git.lan", port: 443, api: "/api/v1/repos/acme/web" });
  expect(forgePlace({ ...ssh, host: "ssh.github.com", port: 443 }, "github")).toMatchObject({ host: "api.github.com" });
});

test("a path without owner and name is refused with what it ends with", () => {
  expect(() => place("https://git.lan/web.git", "forgejo")).toThrow(/ends with its owner and name/);
});
