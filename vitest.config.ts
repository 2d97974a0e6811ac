import { BaseSequencer, type TestSpecification } from "vitest/node";
import { defineConfig } from "vitest/config";
import { calibrate, scaled } from "./test/lib/slowness.ts";

// better-sqlite3 13 crashes an older Node with a segmentation fault.
if (Number(process.versions.node.split(".")[0]) < 24)
  throw new Error("the tests need Node 24: `npm test -- <files>` brings it and runs them on it");
calibrate();

/** Short files whose tests take long: a first run knows no durations, and goes by the size of the files. */
const LONG = ["e2e/redteam", "e2e/slow-peers", "nixos-migrate", "e2e/page-layout", "e2e/replay"];

/** Runs the tests of the whole hive first: they take longest, and the short ones fill the workers at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const bySize = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      if (LONG.some((name) => moduleId.endsWith(`/test/${name}.test.ts`))) return 0;
      return /\/test\/(e2e|campaigns)\//.test(moduleId) ? 1 : 2;
    };
    return bySize.toSorted((a, b) => rank(a) - rank(b));
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
    sequence: { sequencer: LongestFirst },
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
