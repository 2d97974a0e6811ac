import { BaseSequencer, type TestSpecification } from "vitest/node";
import { defineConfig } from "vitest/config";
import { calibrate, scaled } from "./test/lib/slowness.ts";

// better-sqlite3 13 crashes an older Node with a segmentation fault.
if (Number(process.versions.node.split(".")[0]) < 24)
  throw new Error("the tests need Node 24: `npm test -- <files>` brings it and runs them on it");
calibrate();

/**
 * The order of the tests. First those of the whole hive, which take longest, so that the short ones fill the workers at the
 * end; among them short files whose tests take long, of which a first run, which knows no durations, has no sign. Then
 * those that start git and cages hundreds of times, while their workers are young: a worker grows from file to file, and
 * each program that it starts costs in proportion. At 450 MB that is a third of the time of such a test.
 */
const ORDER = [
  /\/test\/(e2e\/(redteam|slow-peers|page-layout|replay)|nixos-migrate)\./,
  /\/test\/(e2e|campaigns)\//,
  /\/src\/(work|config-repos|os|w4rden)\//,
  /\/src\/(platforms|deploys|files)\//,
];

class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = (one: TestSpecification): number => {
      const at = ORDER.findIndex((place) => place.test(one.moduleId));
      return at < 0 ? ORDER.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    // The workers of the first group end before the second begins: they have grown to a gigabyte, and each program that a
    // test starts costs a copy of its worker's page tables.
    projects: [
      { extends: true, test: { name: "hive", include: ["test/**/*.test.ts"], sequence: { groupOrder: 0 } } },
      { extends: true, test: { name: "code", include: ["src/**/*.test.ts", "ui/**/*.test.ts"], sequence: { groupOrder: 1 } } },
    ],
    sequence: { sequencer: InOrder },
    // Two cores is the smallest machine we support, and tests wait for cages, disks and browsers: a third worker
    // makes the whole run a sixth faster.
    maxWorkers: 3,
    // A worker keeps its modules for its next file: importing them anew for each took a tenth of the whole run.
    isolate: false,
    // These limits end tests that hang. They are long, and longer on a slow machine, so that load alone never fails a test.
    testTimeout: scaled(180_000),
    hookTimeout: scaled(240_000),
    expect: { poll: { timeout: scaled(60_000) } },
  },
});
