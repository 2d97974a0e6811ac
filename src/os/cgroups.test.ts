import { afterEach, expect, test } from "vitest";
import { detectLimits, groupsNamed, makeGroup, type Group } from "./cgroups.ts";

const MiB = 1024 ** 2;
const name = `hive-limits-${process.pid}`;
const limits = (memory: number) => ({ memoryBytes: memory * MiB, cpuPercent: 100, pids: 50 });

let group: Group | undefined;
afterEach(() => group?.remove());

test("an existing group takes new limits, both larger and smaller", () => {
  const way = detectLimits();
  for (const memory of [128, 512, 256, 1024]) group = makeGroup(way, name, limits(memory));
  expect(group?.remove()).toBe(true);
  expect(groupsNamed(name)).toEqual([]);
});
