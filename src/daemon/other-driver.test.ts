import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Paths } from "../lib/paths.ts";
import { identify } from "../os/process-id.ts";
import { checkOtherDriver } from "./other-driver.ts";

let state: string;
beforeEach(() => (state = mkdtempSync(join(tmpdir(), "other-"))));
afterEach(() => rmSync(state, { recursive: true, force: true }));

const container = (agent: string, init: unknown): void => {
  mkdirSync(join(state, "agents", agent, "cage"), { recursive: true });
  writeFileSync(join(state, "agents", agent, "cage/container.json"), JSON.stringify({ init, folder: "", limitBytes: 1 }));
};
const check = (driver: "bwrap" | "nixos-container") => (): void => checkOtherDriver(driver, new Paths(state, state));

test("a hive whose containers run is refused by another driver, with what to do", () => {
  container("a1", identify(process.pid));
  expect(check("bwrap")).toThrow(/a container of this hive runs.*HIVE_DRIVER=nixos-container.*stop --all.*HIVE_DRIVER=bwrap/);
  expect(check("nixos-container")).not.toThrow();
});

test("containers that have ended are no reason", () => {
  expect(check("bwrap")).not.toThrow();
  container("a1", { pid: process.pid, startTime: 1 });
  mkdirSync(join(state, "agents/a2"), { recursive: true });
  expect(check("bwrap")).not.toThrow();
});
