import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "ui/**/*.test.ts"],
    // Two cores is the smallest machine we support, and tests wait for cages, disks and browsers: a third one beside two
    // takes a sixth off the whole.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // The default is a second, which a busy machine takes for less than what is waited for.
    expect: { poll: { timeout: 30_000 } },
  },
});
