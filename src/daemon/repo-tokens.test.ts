import { expect, test } from "vitest";
import { RepoTokens } from "./repo-tokens.ts";

test("a token holds only as it was issued", () => {
  const tokens = new RepoTokens(() => 0);
  const { token } = tokens.issue("web", "bob");
  expect(tokens.holder("web", token)).toBe("bob");
  expect(tokens.holder("api", token)).toBeUndefined();
  const sameBytes = Buffer.from(token, "base64url").toString("base64");
  const changed = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A");
  for (const wrong of [`${token}AAAA`, `${token}=`, sameBytes, ` ${token}`, `${token}\n`, token.slice(0, -1), changed, ""])
    expect(tokens.holder("web", wrong), JSON.stringify(wrong)).toBeUndefined();
  // Of the last character, the decoder ignores two bits.
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const others = Array.from(alphabet)
    .filter((last) => last !== token.at(-1))
    .map((last) => token.slice(0, -1) + last);
  expect(others.filter((other) => tokens.holder("web", other) !== undefined)).toEqual([]);
});
