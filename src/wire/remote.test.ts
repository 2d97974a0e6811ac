import { expect, test } from "vitest";
import { HostKey, isAddress, isSsh, parseAddress, RemoteAddress, RemoteKey, RemoteToken } from "./remote.ts";

test.each([
  ["https://git.test/o/r.git", { user: undefined, host: "git.test", port: 443, path: "/o/r.git" }],
  ["https://deploy@git.test:8443/o/~me/r/", { user: "deploy", host: "git.test", port: 8443, path: "/o/~me/r" }],
  ["https://[2001:db8::1]/r.git", { user: undefined, host: "2001:db8::1", port: 443, path: "/r.git" }],
])("%s is an address", (text, parts) => {
  expect(parseAddress(text)).toEqual({ protocol: "https", ...parts });
  expect(isAddress(text)).toBe(true);
});

test.each([
  ["git@git.test:o/r.git", { user: "git", host: "git.test", port: 22, path: "o/r.git" }],
  ["git@Git.Test:/srv/r.git/", { user: "git", host: "git.test", port: 22, path: "/srv/r.git" }],
  ["ssh://deploy@git.test:2222/o/r.git", { user: "deploy", host: "git.test", port: 2222, path: "/o/r.git" }],
  ["ssh://git@[2001:db8::1]/~me/r.git", { user: "git", host: "2001:db8::1", port: 22, path: "~me/r.git" }],
])("%s is an address of ssh", (text, parts) => {
  expect(parseAddress(text)).toEqual({ protocol: "ssh", ...parts });
  expect([isAddress(text), isSsh(text)]).toEqual([true, true]);
});

test.each([
  ["http://git.test/o/r.git", "use https"],
  ["ssh://git.test/o/r.git", "names its user"],
  ["ssh://git:s3cret@git.test/o/r.git", "leave the credential out"],
  ["ssh://git@git.test:0/o/r.git", "the port of an address"],
  ["ssh://git@git.test", "it is not an address"],
  ["ssh://-oProxyCommand=x@git.test/o/r.git", "the user of an ssh address"],
  ["ssh://git@-oProxyCommand=x/o/r.git", "the host of an ssh address"],
  ["git@git.test:o/'r'.git", "the path of an address"],
  ["git@git.test:--upload-pack=x", "the path of an address"],
  ["git@git.test:o/../r.git", "the path of an address"],
  ["git@git.test:", "the path of an address"],
  ["file:///src/web", "begins with https://"],
  ["ext::sh", "begins with https://"],
  ["https://u:s3cret@git.test/o/r.git", "leave the credential out"],
  ["https://git.test/o/r.git?x=s3cret", "no ? and no #"],
  ["https://git.test", "the path of an address"],
  ["https://git.test/o/%2e%2e/r", "the path of an address"],
  ["https://git.test/o/r.git\nx", "no control characters"],
  ["https://", "it is not an address"],
])("%s is refused, and its text is not repeated", (text, words) => {
  const complaint = RemoteAddress.safeParse(text).error?.issues[0]?.message ?? "";
  expect(complaint).toContain(words);
  expect(complaint).not.toContain("s3cret");
});

test("a folder is no address", () => {
  for (const text of ["/src/web", ".", "web", "a/b:c", "~/src/web.git"]) expect(isAddress(text)).toBe(false);
});

test("a token is one line without spaces", () => {
  for (const text of ["", "a b", "a\n", "é", "a".repeat(5000)]) expect(RemoteToken.safeParse(text).success).toBe(false);
  expect(RemoteToken.safeParse("ghp_x-1").success).toBe(true);
});

test("a private key is a block of printable text, and a fingerprint one of SHA-256", () => {
  const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
  expect(RemoteKey.safeParse(key).success).toBe(true);
  for (const text of ["", "ssh-ed25519 AAAA", key.replace("PRIVATE", "PUBLIC"), `${key}\0`, key + "a".repeat(20_000)])
    expect(RemoteKey.safeParse(text).success).toBe(false);
  const type = "ssh-ed25519";
  expect(HostKey.safeParse({ type, fingerprint: `SHA256:${"A".repeat(43)}` }).success).toBe(true);
  for (const fingerprint of ["MD5:aa:bb", "SHA256:short", `SHA256:${"A".repeat(44)}`])
    expect(HostKey.safeParse({ type, fingerprint }).success).toBe(false);
  expect(HostKey.safeParse({ type: "ssh-dss", fingerprint: `SHA256:${"A".repeat(43)}` }).success).toBe(false);
});
