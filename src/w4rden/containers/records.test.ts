import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isAgentUid } from "../../platforms/uids.ts";
import { ContainerRecords, UIDS_PER_CONTAINER, subordinateIds, uidOfConf } from "./records.ts";

let etc: string;
beforeEach(() => {
  etc = mkdtempSync(join(tmpdir(), "records-"));
});
afterEach(() => rmSync(etc, { recursive: true, force: true }));

const owner = (agent: string) => ({ hive_id: "b0b0b0b0", agent, uid: 0x7000_0000 + Number(agent.slice(1)) });
const free = (): boolean => false;

test("a container has its users for ever, and no other container has them", () => {
  const firsts = Array.from({ length: 50 }, (_, n) => new ContainerRecords(etc).open(`h${n}`, owner(`a${n}`), free).first_uid);
  expect(new Set(firsts).size).toBe(50);
  expect(new ContainerRecords(etc).open("h7", owner("a7"), free).first_uid).toBe(firsts[7]);
  for (const first of firsts) {
    expect(first % UIDS_PER_CONTAINER).toBe(0);
    expect(first).toBeGreaterThanOrEqual(0x8_0000);
    // None of people, and none of agents' files.
    expect(isAgentUid(first) || isAgentUid(first + UIDS_PER_CONTAINER - 1)).toBe(false);
  }
});

test("users that others of the host have are left to them", () => {
  const first = new ContainerRecords(etc).open("h0", owner("a0"), free).first_uid;
  new ContainerRecords(etc).remove("h0");
  expect(new ContainerRecords(etc).open("h0", owner("a0"), (uid) => uid === first).first_uid).toBe(first + UIDS_PER_CONTAINER);
  expect(() => new ContainerRecords(etc).open("h1", owner("a1"), () => true)).toThrow("no range of 65,536 uids is left");
});

test("a name or a user that is another agent's is refused", () => {
  new ContainerRecords(etc).open("h0", owner("a0"), free);
  expect(() => new ContainerRecords(etc).open("h1", { ...owner("a1"), uid: owner("a0").uid }, free)).toThrow("is the agent a0's");
  expect(() => new ContainerRecords(etc).open("h0", { ...owner("a0"), uid: owner("a1").uid }, free)).toThrow(
    "is of the agent a0",
  );
  expect(() => new ContainerRecords(etc).open("h0", owner("a1"), free)).toThrow("is of the agent a0 of the hive b0b0b0b0, uid");
});

test("ranges of people and of other containers are read from their files", () => {
  expect(subordinateIds("alice:100000:65536\n# x\nbob:165536:65536\nodd:x:1\n")).toEqual([
    { first: 100_000, count: 65_536 },
    { first: 165_536, count: 65_536 },
  ]);
  expect(uidOfConf("PRIVATE_NETWORK=1\nPRIVATE_USERS=1048576\n")).toBe(1_048_576);
  for (const text of ["", "PRIVATE_USERS=pick\n", "X=PRIVATE_USERS=5\n"]) expect(uidOfConf(text)).toBeUndefined();
});
