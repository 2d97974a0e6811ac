import fc from "fast-check";

/** The code points of UTF-16's halves, which no text has alone. */
const FIRST_HALF = 0xd800;
const HALVES = 2048;

/**
 * Any character, as the unit of `fc.string`. Not fast-check's own `unit: "binary"`: its table of all characters takes
 * 130 MB, which the worker keeps, and each program that a later test starts costs a copy of its page tables.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 0x10ffff - HALVES })
  .map((n) => String.fromCodePoint(n < FIRST_HALF ? n : n + HALVES));
