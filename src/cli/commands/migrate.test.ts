import { afterAll, beforeAll, expect, test } from "vitest";
import { cliInside } from "../../../test/lib/cli-inside.ts";
import { StubHost } from "../../../test/lib/stub-host.ts";
import { HiveError } from "../../wire/error.ts";

let host: StubHost;
beforeAll(async () => {
  host = await new StubHost().start();
  host.answers = { migrate: new HiveError("conflict", "not now") };
});
afterAll(() => host.dispose());
const migrate = (...argv: string[]) => cliInside("--socket", host.socket, "migrate", ...argv);

test("what was read is named with its commit, and nothing without one is taken for read", async () => {
  await migrate("--build", "--reviewed", "scout@1f0c5a9e27d4", "--reviewed", "@ada@0123456789abcdef");
  const reviewed = [
    { agent: "scout", commit: "1f0c5a9e27d4" },
    { agent: "ada", commit: "0123456789abcdef" },
  ];
  expect(host.calls.at(-1)).toMatchObject({ name: "migrate", input: { what: "build", reviewed } });
  const before = host.calls.length;
  for (const odd of ["scout", "scout@", "scout@1f0c", "@1f0c5a9e27d4", "scout@1F0C5A9E27D4"]) {
    const { err, code } = await migrate("--reviewed", odd);
    expect(code).toBe(2);
    expect(err).toContain("an agent and the commit that it runs");
  }
  expect((await migrate("--undo", "--reviewed", "scout@1f0c5a9e27d4")).err).toContain("not both");
  expect(host.calls).toHaveLength(before);
});
