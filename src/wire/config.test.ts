import { describe, expect, test } from "vitest";
import { whatItSteers } from "./config-env.ts";
import { AgentConfig } from "./config.ts";
import { schemaComplaint } from "./error.ts";

/** The complaint about a config under the rules for new requests; empty if it is valid. */
function complaint(config: unknown): string {
  const parsed = AgentConfig.safeParse(config);
  return parsed.success ? "" : schemaComplaint(parsed.error, config);
}
const server = (args: string[], more = {}) => ({ command: "node", args, ...more });
const mount = (cage: string, host = "/srv/x") => ({ mounts: [{ host, cage }] });

describe("sums are limited as well as parts", () => {
  test.each<[string, unknown, RegExp]>([
    [
      "two servers whose arguments fit separately",
      { extraMcpServers: { one: server(Array(20).fill("x".repeat(4000))), two: server(Array(20).fill("x".repeat(4000))) } },
      /extraMcpServers: all servers together may have 98304 bytes/,
    ],
    [
      "arguments of multi-byte characters",
      { extraMcpServers: { one: server(Array(10).fill("ü".repeat(4096))), two: server(Array(10).fill("ü".repeat(4096))) } },
      /all servers together may have 98304 bytes/,
    ],
    [
      "variables of a server",
      { extraMcpServers: { one: server([], { env: variables(20, 4096) }) } },
      /extraMcpServers\.one\.env: all variables together may have 65536 bytes/,
    ],
    ["variables of the CLI", { env: variables(20, 4096) }, /env: all variables together may have 65536 bytes/],
    ["many variables", { env: variables(129, 1) }, /at most 128 variables/],
    [
      "many servers",
      { extraMcpServers: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`s${n}`, server([])])) },
      /at most 32 servers/,
    ],
  ])("%s", (_, config, words) => {
    expect(complaint(config)).toMatch(words);
  });
});

function variables(count: number, length: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`V${n}`, "x".repeat(length)]));
}

describe("a config is refused if the kernel or the CLI would refuse it", () => {
  test.each<[string, unknown, RegExp]>([
    ["a NUL in an argument", { extraMcpServers: { x: server(["a\0b"]) } }, /args\.0 .*: a NUL/],
    ["a NUL in a variable", { env: { A: "a\0b" } }, /env\.A: a NUL/],
    ["a NUL in a variable of a server", { extraMcpServers: { x: server([], { env: { A: "\0" } }) } }, /a NUL/],
    ["a NUL in a command", { extraMcpServers: { x: { command: "a\0b" } } }, /command .*: a NUL/],
    ["a lone surrogate", { env: { A: "\ud800" } }, /half of a surrogate pair/],
    ["an empty command", { extraMcpServers: { x: { command: " " } } }, /a command is/],
    ["an empty model", { model: "" }, /a model is/],
    ["a model that looks like an option", { model: "-p" }, /a model is/],
    ["a model with a space", { model: "opus --debug" }, /a model is/],
    ["two tools in one entry", { tools: { deny: ["Edit,Write"] } }, /a tool is a name/],
    ["a tool with an open parenthesis", { tools: { deny: ["Bash(rm", "Edit"] } }, /a tool is a name/],
    ["a tool that looks like an option", { tools: { allow: ["--debug"] } }, /a tool is a name/],
    ["an empty tool", { tools: { allow: [""] } }, /a tool is a name/],
    ["a tool that no agent may have", { tools: { allow: ["SendMessage"] } }, /tools of the hive only/],
    ["port 0", { egress: ["a.org:0"] }, /a port is 1 to 65535/],
    ["port 65536", { egress: ["a.org:65536"] }, /a port is 1 to 65535/],
    ["a port with a leading zero", { egress: ["a.org:0443"] }, /a host is/],
    ["a host with an empty label", { egress: ["a..org"] }, /a host is/],
    ["a host with a label that is too long", { egress: [`${"a".repeat(64)}.org`] }, /a host is/],
    ["a host that is too long", { egress: [`${"a.".repeat(127)}org`] }, /a host is/],
    ["a star alone", { egress: ["*."] }, /a host is/],
    ["a private address", { egress: ["10.0.0.1:80"] }, /10\.0\.0\.1 is a private or special address/],
    ["the cloud metadata address", { egress: ["169.254.169.254"] }, /is a private or special address/],
    ["loopback in a short form", { egress: ["127.1"] }, /127\.1 is neither a name nor an IPv4 address/],
    ["an address as one number", { egress: ["2130706433"] }, /is neither a name nor an IPv4 address/],
    ["names below an address", { egress: ["*.0.0.1"] }, /is neither a name nor an IPv4 address/],
    ["this machine", { egress: ["localhost:8080"] }, /localhost is this machine/],
    ["a name of this machine", { egress: ["*.localhost"] }, /is this machine/],
    ["a host twice", { egress: ["a.org", "a.org"] }, /an entry is there twice/],
    ["a recipient that grants nothing", { allowedRecipients: ["*"] }, /a recipient is the name of an agent/],
    ["a recipient with an @", { allowedRecipients: ["@scribe"] }, /a recipient is the name of an agent/],
    ["a duplicate recipient under two names", { allowedRecipients: ["hm1nd", "manager"] }, /an entry is there twice/],
    ["a variable that the harness sets", { env: { SHELL: "/bin/bash" } }, /reserved/],
    ["a limit of the CLI that the harness sets", { env: { MCP_TIMEOUT: "1" } }, /reserved/],
  ])("%s", (_, config, words) => {
    expect(complaint(config)).toMatch(words);
  });
});

describe("variables", () => {
  test.each([
    "BASH_ENV",
    "ENV",
    "PROMPT_COMMAND",
    "PS4",
    "GIT_SSH_COMMAND",
    "GIT_CONFIG_COUNT",
    "NODE_OPTIONS",
    "NODE_EXTRA_CA_CERTS",
    "BUN_OPTIONS",
    "LD_AUDIT",
    "GLIBC_TUNABLES",
    "ANTHROPIC_BASE_URL",
    "CLAUDE_CODE_USE_BEDROCK",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "SSH_ASKPASS",
    "XDG_CONFIG_HOME",
    "HIVE_NONCE",
    "PATH",
  ])("%s is refused by name, with its effect", (name) => {
    expect(complaint({ env: { TZ: "UTC", [name]: "secret" } })).toMatch(
      new RegExp(`^env\\.${name}: this variable is reserved: it (?!.*secret).+ Remove it`),
    );
    // For a server, which is a different program, the variable is marked instead.
    expect(complaint({ extraMcpServers: { x: server([], { env: { [name]: "x" } }) } })).toBe("");
    expect(whatItSteers(name)).toBeDefined();
  });

  test.each([
    "PYTHONPATH",
    "PERL5OPT",
    "PYTHONSTARTUP",
    "EDITOR",
    "GIT_PAGER",
    "REQUESTS_CA_BUNDLE",
    "PIP_INDEX_URL",
    "_JAVA_OPTIONS",
  ])("%s steers a program", (name) => {
    expect(whatItSteers(name)).toBeDefined();
  });

  test("variables that only set a value are allowed, even in a steering group", () => {
    const names = [
      "TZ",
      "LANG",
      "LC_ALL",
      "MCP_TOOL_TIMEOUT",
      "GIT_AUTHOR_NAME",
      "GIT_COMMITTER_EMAIL",
      "BASH_MAX_OUTPUT_LENGTH",
      "PYTHONUNBUFFERED",
      "API_TOKEN",
      "NOTES",
    ];
    expect(complaint({ env: Object.fromEntries(names.map((name) => [name, "x"])) })).toBe("");
    expect(names.filter((name) => whatItSteers(name) !== undefined)).toEqual([]);
  });
});

describe("a complaint names the field, the problem and what is allowed", () => {
  test.each<[string, unknown, string]>([
    ["a name of a variable", { env: { foo: "x" } }, "env.foo: an environment name is 1 to 64 of A-Z, 0-9 and '_'"],
    [
      "a name of a server",
      { extraMcpServers: { "Not Fit": server([]) } },
      "extraMcpServers.Not Fit: a server name is 1 to 32 of",
    ],
    ["a key", { limits: { pid: 3 } }, 'limits: there is no key "pid"; the keys are memory_mib, cpu_percent, pids, disk_mib'],
    [
      "a key of a server",
      { extraMcpServers: { x: server([], { envs: {} }) } },
      'extraMcpServers.x: there is no key "envs"; the keys are command,',
    ],
    ["a type", { tools: { allow: "Bash" } }, 'tools.allow ("Bash"): it has to be a list, not a text'],
    ["a fraction", { limits: { pids: 40.5 } }, "limits.pids: it has to be a whole number"],
    ["a number that is too small", { limits: { pids: 1 } }, "limits.pids: it is at least 32"],
    ["a number that is too large", { limits: { pids: 1e6 } }, "limits.pids: it is at most 100000"],
    ["a text that is too long", { description: "x".repeat(5_000) }, "description: it has at most 4096 characters"],
    [
      "a list that is too long",
      { egress: Array.from({ length: 201 }, (_, n) => `h${n}.org`) },
      "egress: it has at most 200 entries",
    ],
    ["an unknown option", { mounts: [{ host: "/x", cage: "/a", mode: "rx" }] }, 'mounts.0.mode ("rx"): it is "ro" or "rw"'],
    ["a duplicate entry", { egress: ["a.org", "b.org", "a.org"] }, 'egress.2 ("a.org"): an entry is there twice'],
    ["a missing field", { extraMcpServers: { x: {} } }, "extraMcpServers.x.command: it is missing (a text)"],
    [
      "a mount in another",
      { mounts: [...mount("/data").mounts, ...mount("/data/x").mounts] },
      'mounts.1.cage ("/data/x"): two mounts have the same path in the cage, or one lies in the other: /data is there already',
    ],
  ])("%s", (_, config, words) => {
    expect(complaint(config)).toContain(words);
  });
});

describe("mounts", () => {
  test.each([
    "/",
    "/usr/local/x",
    "/etc",
    "/proc/1",
    "/run/hive",
    "/opt",
    "/opt/hive/x",
    "/state/x",
    "/config",
    "/home",
    "/home/agent",
    "/tmp",
    "/agents",
  ])("a mount on, in or around %s is refused", (cage) => {
    expect(complaint(mount(cage))).toMatch(/belongs to the cage itself/);
  });
  test.each<[string, unknown, RegExp]>([
    ["a relative path", mount("x"), /absolute/],
    ["a way up", mount("/data/../usr"), /'\.\.'/],
    ["a slash at the end", mount("/data/"), /no slash at its end/],
    ["two slashes", mount("/data//x"), /empty part/],
    ["a line break in the host's path", mount("/data", "/srv/a\nb"), /control characters/],
    ["a name that is too long for a file system", mount("/data", `/srv/${"ü".repeat(128)}`), /255 bytes/],
    ["the same path twice", { mounts: [...mount("/data").mounts, ...mount("/data", "/srv/y").mounts] }, /two mounts/],
    ["a mount inside another", { mounts: [...mount("/data").mounts, ...mount("/data/x", "/srv/y").mounts] }, /two mounts/],
    ["a mount around another", { mounts: [...mount("/data/x").mounts, ...mount("/data", "/srv/y").mounts] }, /two mounts/],
  ])("%s is refused", (_, config, words) => {
    expect(complaint(config)).toMatch(words);
  });
});

test("valid values stay allowed", () => {
  const fits = {
    model: "us.anthropic.claude-sonnet-4-5[1m]",
    allowedRecipients: ["scribe", "operator", "manager"],
    egress: ["a.org", "a.org:8443", "*.b-c.org", "xn--bcher-kva.example:65535", "1.1.1.1:53", "172.32.0.1", "localhost.example"],
    tools: { allow: ["WebFetch(domain:a.org)", "mcp__notes__*", "Bash(git log *)"], deny: ["Bash(rm *)", "Edit"] },
    extraMcpServers: { notes: server(["a b", "ü", ""], { env: { A: "" } }) },
    env: { LANG: "de_DE.UTF-8", TZ: "Europe/Berlin" },
    mounts: [...mount("/data").mounts, ...mount("/database").mounts, ...mount("/tmp/x").mounts, ...mount("/home/agent/x").mounts],
  };
  expect(complaint(fits)).toBe("");
  expect(AgentConfig.parse(fits).allowedRecipients).toEqual(["scribe", "operator", "hm1nd"]);
});
