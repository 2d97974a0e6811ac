import { scaled } from "../lib/slowness.ts";

/** Cases per property: in CI enough for common errors, with `npm run fuzz` enough for rare ones. */
export const RUNS = Number(process.env["FUZZ_RUNS"] ?? 2_000);
/** Time limit of a property. The long campaign is for machines with enough time. Milliseconds. */
export const PATIENCE_MS = scaled(180_000 + RUNS * 6);
