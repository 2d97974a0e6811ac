import { expect, test } from "vitest";
import { Screen } from "./screen.ts";

const LINK = "https://claude.ai/oauth/authorize?IsE5vfAgQIfe0GVi0Y4Lx70j4aEj_9LQ9bCQV0QPeRaQ";
const TOKEN = `sk-ant-oat01-${"A1b2-C3_d".repeat(10)}-AA`;

/** A screen after these parts of the CLI's output, as it was recorded. */
function screen(...parts: string[]): Screen {
  const made = new Screen();
  for (const part of parts) made.add(Buffer.from(part));
  return made;
}
const link = (url: string): string => `\x1b]8;id=1pdrhod;${url}\x07\x1b[38;5;246m${url}\x1b[39m\x1b]8;;\x07\r\r\n`;

test("the address is the whole link, however it is cut into parts", () => {
  const printed = link(LINK);
  expect(screen(printed.slice(0, 40)).address).toBeUndefined();
  expect(screen(printed.slice(0, 40), printed.slice(40)).address).toBe(LINK);
});

test.each([
  ["another site", "https://claude.ai.example.org/oauth/authorize?x"],
  ["a name that only ends like it", "https://notclaude.ai/oauth/authorize?x"],
  ["plain http", "http://claude.ai/oauth/authorize?x"],
  ["another page", "https://claude.ai/settings/claude-code"],
])("an address of %s is not shown", (_, url) => {
  expect(screen(link(url)).address).toBeUndefined();
});

test("the token is read from the screen that the CLI ends with", () => {
  const made = screen(
    `\x1b[2GYour\x1b[7GOAuth\x1b[13Gtoken\x1b[19G(valid\x1b[26Gfor\x1b[30G1\x1b[32Gyear):\r\r\n\r\r\n\x1b[2G\x1b[38;5;220m${TOKEN}\x1b[39m\r\r\n`,
  );
  expect(made.token).toBe(TOKEN);
  expect(made.lastWords).not.toContain("sk-ant");
});

test("an error is read as one line, once it is whole", () => {
  const error = "\x1b[38;5;211m✘\x1b[4GOAuth error: That code wasn't accepted. Sign in again to get a new code.\x1b[39m";
  expect(screen(error).failure).toBeUndefined();
  expect(screen(error, "\r\r\n").failure).toBe("That code wasn't accepted. Sign in again to get a new code.");
});
