import { describe, expect, test } from "vitest";
import { AgentConfig, DeployedConfig } from "../wire/config.ts";
import { keysOf } from "../wire/loosen.ts";
import { NOTHING_GRANTED, parseDeployed, parseRequested } from "./agent-json.ts";

const RESTRICTED = { allowedRecipients: ["scribe"], tools: { allow: [], deny: ["Bash"] }, egress: ["a.org"] };
const deployed = (value: unknown): ReturnType<typeof parseDeployed> => parseDeployed(JSON.stringify(value));

describe("a deployed agent.json", () => {
  test("that keeps the rules of today is what a request with it says", () => {
    const text = JSON.stringify(RESTRICTED);
    const requested = parseRequested(text);
    expect("config" in requested).toBe(true);
    expect(parseDeployed(text)).toEqual({ ...requested, warnings: [] });
  });

  test.each<[string, object, RegExp]>([
    ["an egress entry that is never reached", { egress: ["a.org", "localhost"] }, /localhost is this machine/],
    ["a server name that is refused now", { extraMcpServers: { "Not Fit": { command: "x" } } }, /extraMcpServers/],
    ["a limit that is refused now", { limits: { pids: 1 } }, /limits\.pids/],
    ["a text that is too long now", { description: "x".repeat(10_000) }, /description/],
    ["a variable that is reserved now", { env: { LD_PRELOAD: "x" } }, /reserved/],
    ["secrets", { secrets: ["TOKEN"] }, /secrets \(TOKEN\) are not delivered/],
    ["options of the CLI", { cli: { name: "claude", options: { a: 1 } } }, /cli\.options have no effect/],
  ])("with %s keeps every restriction, with a warning; a request with it is refused", (_, more, warning) => {
    const value = { ...RESTRICTED, ...more };
    const read = deployed(value);
    if (!("config" in read)) throw new Error(read.unreadable);
    expect(read.config).toMatchObject({ ...RESTRICTED, ...("egress" in more ? more : {}) });
    expect(read.warnings).toEqual([expect.stringMatching(warning)]);
    expect(parseRequested(JSON.stringify(value))).toHaveProperty("complaints");
  });

  test.each<[string, string]>([
    ["that is cut off", JSON.stringify(RESTRICTED).slice(0, -3)],
    ["that is empty", ""],
    ["that is no object", "[]"],
    ["with a list where a text belongs", `{"model":["sonnet"]}`],
    ["with a text where a list belongs", `{"allowedRecipients":"scribe"}`],
    ["with null where a restriction belongs", `{"tools":{"allow":[],"deny":null}}`],
    ["with a key of another version, which may be a restriction", `{"deniedRecipients":["scribe"]}`],
    ["with such a key further down", `{"tools":{"never":["Bash"]}}`],
    ["with secrets of another type", `{"secrets":"TOKEN"}`],
  ])("%s cannot be read", (_, text) => {
    expect(parseDeployed(text)).toEqual({ unreadable: expect.stringMatching(/^agent\.json cannot be read: ./) });
  });

  test("has the keys of a requested one, and what cannot be read grants nothing", () => {
    expect(keysOf(DeployedConfig)).toEqual(keysOf(AgentConfig));
    expect(NOTHING_GRANTED).toMatchObject({ allowedRecipients: [], egress: [], extraMcpServers: {}, mounts: [], env: {} });
  });

  test("with many broken rules has few warnings", () => {
    const read = deployed({ egress: Array.from({ length: 100 }, () => "NOT A HOST") });
    expect("warnings" in read && read.warnings.length).toBe(6);
  });
});
