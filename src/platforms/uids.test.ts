import fc from "fast-check";
import { expect, test } from "vitest";
import { hostUid } from "./uids.ts";

test("uids are stable, distinct within a hive, and in the range that nothing else uses", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(0x3fff), fc.nat(0x3fff), (hive, one, other) => {
      const uid = hostUid(hive, one);
      expect(hostUid(hive, one)).toBe(uid);
      expect(uid).toBeGreaterThanOrEqual(0x7000_0000);
      expect(uid).toBeLessThan(0x7ffe_0000);
      if (one !== other) expect(hostUid(hive, other)).not.toBe(uid);
    }),
  );
});

test("two hives have separate ranges", () => {
  expect(Math.abs(hostUid("0a1b2c3d", 1) - hostUid("4e5f6a7b", 1))).toBeGreaterThanOrEqual(0x4000);
});

test("a hive that has used up its range throws instead of using another's", () => {
  expect(() => hostUid("0a1b2c3d", 0x4000)).toThrow("a hive has 16384 uids");
});
