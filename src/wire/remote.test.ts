import { expect, test } from "vitest";
import { isAddress, parseAddress, RemoteAddress, RemoteToken } from "./remote.ts";

test.each([
  ["https://git.test/o/r.git", { user: undefined, host: "git.test", port: 443, path: "/o/r.git" }],
  ["https://deploy@git.test:8443/o/~me/r/", { user: "deploy", host: "git.test", port: 8443, path: "/o/~me/r" }],
  ["https://[2001:db8::1]/r.git", { user: undefined, host: "2001:db8::1", port: 443, path: "/r.git" }],
])("%s is an address", (text, parts) => {
  expect(parseAddress(text)).toEqual({ protocol: "https", ...parts });
  expect(isAddress(text)).toBe(true);
});

test.each([
  ["http://git.test/o/r.git", "use https"],
  ["ssh://git@git.test/o/r.git", "ssh is not supported"],
  ["git@git.test:o/r.git", "ssh is not supported"],
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
