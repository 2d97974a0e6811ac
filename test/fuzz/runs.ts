import { patience } from "../lib/slowness.ts";

/** Cases per property: enough in CI to meet the common, by command (`npm run fuzz`) to meet the rare. */
export const RUNS = Number(process.env["FUZZ_RUNS"] ?? 2_000);
/** How long a property may take: the long campaign is for machines that have the time. Milliseconds. */
export const PATIENCE_MS = patience(180_000 + RUNS * 6);
