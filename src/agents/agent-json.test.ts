import { describe, expect, test } from "vitest";
import { AgentConfig, DeployedConfig } from "../wire/config.ts";
import { keysOf } from "../wire/loosen.ts";
import { NOTHING_GRANTED, parseDeployed, parseRequested } from "./agent-json.ts";

const RESTRICTED = { allowedRecipients: ["scribe"], tools: { allow: [], deny: ["Bash"] }, egress: ["a.org"] };
const deployed = (value: unknown): ReturnType<typeof parseDeployed> => parseDeployed(JSON.stringify(value));

describe("a deployed agent.json", () => {
  test("that keeps the current rules reads like a request", () => {
    const text = JSON.stringify(RESTRICTED);
    const requested = parseRequested(text);
    expect("config" in requested).toBe(true);
    expect(parseDeployed(text)).toEqual({ ...requested, warnings: [] });
  });

  test.each<[string, object, RegExp]>([
    ["an egress entry that names this machine", { egress: ["a.org", "localhost"] }, /localhost is this machine/],
    ["a server name that is now refused", { extraMcpServers: { "Not Fit": { command: "x" } } }, /extraMcpServers/],
    ["a limit that is now refused", { limits: { pids: 1 } }, /limits\.pids/],
    ["a text that is now too long", { description: "x".repeat(10_000) }, /description/],
    ["a variable that is now reserved", { env: { LD_PRELOAD: "x" } }, /reserved/],
    ["a secret whose name is now reserved", { secrets: ["LD_PRELOAD"] }, /secrets\.0.*reserved/],
    ["options of the CLI", { cli: { name: "claude", options: { a: 1 } } }, /cli\.options have no effect/],
  ])("with %s keeps every restriction and warns, and a request with it is refused", (_, more, warning) => {
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
    ["that is not an object", "[]"],
    ["with a list in place of a text", `{"model":["sonnet"]}`],
    ["with a text in place of a list", `{"allowedRecipients":"scribe"}`],
    ["with null in place of a restriction", `{"tools":{"allow":[],"deny":null}}`],
    ["with a key of another version, which may be a restriction", `{"deniedRecipients":["scribe"]}`],
    ["with such a nested key", `{"tools":{"never":["Bash"]}}`],
    ["with secrets of another type", `{"secrets":"TOKEN"}`],
  ])("%s cannot be read", (_, text) => {
    expect(parseDeployed(text)).toEqual({ unreadable: expect.stringMatching(/^agent\.json cannot be read: ./) });
  });

  test("has the keys of a requested config, and an unreadable config grants nothing", () => {
    expect(keysOf(DeployedConfig)).toEqual(keysOf(AgentConfig));
    expect(NOTHING_GRANTED).toMatchObject({ allowedRecipients: [], egress: [], extraMcpServers: {}, mounts: [], env: {} });
  });

  test("that breaks many rules has few warnings", () => {
    const read = deployed({ egress: Array.from({ length: 100 }, () => "NOT A HOST") });
    expect("warnings" in read && read.warnings.length).toBe(6);
  });
});
