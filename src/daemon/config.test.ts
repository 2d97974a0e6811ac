import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfig } from "./config.ts";

const read = (env: NodeJS.ProcessEnv) => readConfig({ HIVE_STATE_DIR: "/hive", ...env }, { foreground: true });

test("a folder of credentials without one for the model leaves the hive in rehearsal, and may have secrets", () => {
  const folder = mkdtempSync(join(tmpdir(), "credentials-"));
  try {
    writeFileSync(join(folder, "secret.GH"), "x");
    expect(read({ CREDENTIALS_DIRECTORY: folder })).toMatchObject({
      upstream: { kind: "rehearsal" },
      credentialsFolder: folder,
    });
    writeFileSync(join(folder, "anthropic"), "sk-ant-x");
    expect(read({ CREDENTIALS_DIRECTORY: folder }).upstream.kind).toBe("live");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  [{}, 8000],
  [{ HIVE_PORT: "7001" }, 8001],
  [{ HIVE_PORT: "9000" }, 10_000],
  [{ HIVE_PORT: "7001", HIVE_AGENT_PORT_BASE: "12000" }, 12_000],
  [{ HIVE_PORT: "0" }, 8000],
  [{ HIVE_PORT: "65000" }, 8000],
  [{ HIVE_PORT: "10" }, 8000],
  [{ HIVE_AGENT_PORTS: "off" }, undefined],
])("with %j the manager's port is %s", (env, base) => {
  expect(read(env).agentPortBase).toBe(base);
});

test.each([
  [{ HIVE_PORT: "abc" }, 'HIVE_PORT: it is a whole number from 0 to 65535, not "abc"'],
  [{ HIVE_PORT: "70000" }, 'HIVE_PORT: it is a whole number from 0 to 65535, not "70000"'],
  [{ HIVE_MAX_HOPS: "1.5" }, 'HIVE_MAX_HOPS: it is a whole number from 1 to 10000, not "1.5"'],
  [{ HIVE_SEND_RATE: "-1" }, 'HIVE_SEND_RATE: it is a number above 0, not "-1"'],
  [{ HIVE_WARM_SECONDS: "ten" }, 'HIVE_WARM_SECONDS: it is a number above 0, not "ten"'],
])("%j is refused with an error that shows the value", (env, words) => {
  expect(() => read(env)).toThrow(words);
});

describe("the trusted proxy", () => {
  const header = { HIVE_TRUSTED_HEADER: "X-Remote-User" };
  const base = { ...header, HIVE_PUBLIC_URL: "https://hive.example" };
  const open = { ...base, HIVE_BIND: "0.0.0.0" };

  test.each([
    [
      { ...base, HIVE_TRUSTED_PROXY: "unix:www-data" },
      { kind: "unix", user: "www-data" },
    ],
    [
      { ...open, HIVE_TRUSTED_PROXY: "10.0.0.5, fd00::5" },
      { kind: "tcp", addresses: ["10.0.0.5", "fd00::5"] },
    ],
    [
      { ...open, HIVE_TRUSTED_PROXY: "unix:caddy" },
      { kind: "unix", user: "caddy" },
    ],
  ])("%j", (env, peers) => {
    expect(read(env).trustedProxy).toEqual({ header: "X-Remote-User", peers });
  });

  const refused: [NodeJS.ProcessEnv, string][] = [
    [header, "HIVE_TRUSTED_HEADER needs HIVE_TRUSTED_PROXY"],
    [{ HIVE_TRUSTED_PROXY: "unix:caddy" }, "HIVE_TRUSTED_PROXY needs HIVE_TRUSTED_HEADER"],
    [{ ...header, HIVE_TRUSTED_PROXY: "unix:caddy" }, "needs HIVE_PUBLIC_URL"],
    [{ ...header, HIVE_PUBLIC_URL: "http://hive.example", HIVE_TRUSTED_PROXY: "unix:caddy" }, "needs HIVE_PUBLIC_URL"],
    // Every user of this machine can connect from its loopback addresses.
    [{ ...base, HIVE_TRUSTED_PROXY: "10.0.0.5" }, "HIVE_BIND=127.0.0.1 takes connections from this machine only"],
    [{ ...base, HIVE_TRUSTED_PROXY: "127.0.0.1" }, "127.0.0.1 is an address of this machine"],
    [{ ...open, HIVE_TRUSTED_PROXY: "10.0.0.5,127.8.9.1" }, "127.8.9.1 is an address of this machine"],
    [{ ...open, HIVE_TRUSTED_PROXY: "::1" }, "::1 is an address of this machine"],
    [{ ...open, HIVE_TRUSTED_PROXY: "0:0::1" }, "0:0::1 is an address of this machine"],
    [{ ...open, HIVE_TRUSTED_PROXY: "::ffff:127.0.0.1" }, "::ffff:127.0.0.1 is an address of this machine"],
    [{ ...open, HIVE_TRUSTED_PROXY: "0.0.0.0" }, "0.0.0.0 is an address of this machine"],
    [{ ...open, HIVE_TRUSTED_PROXY: "::" }, ":: is an address of this machine"],
    [{ ...open, HIVE_TRUSTED_PROXY: "10.0.0.0/8" }, "is neither unix:<user> nor an IP address"],
    [{ ...open, HIVE_TRUSTED_PROXY: "localhost" }, "is neither unix:<user> nor an IP address"],
    [{ ...open, HIVE_TRUSTED_PROXY: "fe80::1%eth0" }, "is neither unix:<user> nor an IP address"],
    [{ ...open, HIVE_TRUSTED_PROXY: "10.0.0.5," }, "is neither unix:<user> nor an IP address"],
    [{ ...open, HIVE_TRUSTED_PROXY: "*" }, "is neither unix:<user> nor an IP address"],
    [{ ...open, HIVE_TRUSTED_PROXY: Array.from({ length: 17 }, (_, n) => `10.0.0.${n}`).join() }, "more than 16 addresses"],
    [{ ...base, HIVE_TRUSTED_PROXY: "unix:" }, 'HIVE_TRUSTED_PROXY: "" is not the name of a Unix user'],
    [{ ...base, HIVE_TRUSTED_PROXY: "unix:33" }, "is not the name of a Unix user"],
    [{ ...base, HIVE_TRUSTED_PROXY: "unix:/run/x.sock" }, "is not the name of a Unix user"],
    [{ ...base, HIVE_TRUSTED_PROXY: "unix:caddy", HIVE_TRUSTED_HEADER: "X Remote" }, "it is the name of a header"],
    [{ ...base, HIVE_TRUSTED_PROXY: "unix:caddy", HIVE_TRUSTED_HEADER: "X_Remote_User" }, "it is the name of a header"],
    ...["Cookie", "Authorization", "Host", "Origin", "User-Agent", "Sec-Fetch-Site", "X-Forwarded-For", "Content-Type"].map(
      (name): [NodeJS.ProcessEnv, string] => [
        { ...base, HIVE_TRUSTED_PROXY: "unix:caddy", HIVE_TRUSTED_HEADER: name },
        "header of the proxy's own",
      ],
    ),
  ];
  test.each(refused)("%j is refused with its reason", (env, words) => {
    expect(() => read(env)).toThrow(words);
  });
});
