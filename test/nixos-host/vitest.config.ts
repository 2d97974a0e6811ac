import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/nixos-host/*.host.ts"],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
