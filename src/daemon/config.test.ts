import { expect, test } from "vitest";
import { readConfig } from "./config.ts";

const read = (env: NodeJS.ProcessEnv) => readConfig({ HIVE_STATE_DIR: "/hive", ...env }, { foreground: true });

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
