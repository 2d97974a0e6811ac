/** A process past any of these limits is replaced between turns: long-lived CLI processes are known to leak. */
const MAX_AGE_MS = 6 * 3600_000;
const MAX_TURNS = 200;
const MAX_RESIDENT_BYTES = 1536 * 1024 * 1024;

/** What a CLI process has used. */
export interface ProcessUse {
  turns: number;
  ageMs: number;
  residentBytes: number;
}

/** Returns why a process should be replaced after its turn, or undefined if it can run another turn. */
export function whyRecycle({ turns, ageMs, residentBytes }: ProcessUse): string | undefined {
  if (turns >= MAX_TURNS) return `${turns} turns`;
  if (ageMs > MAX_AGE_MS) return `${Math.round(ageMs / 3600_000)} hours`;
  if (residentBytes > MAX_RESIDENT_BYTES) return `${Math.round(residentBytes / 1024 / 1024)} MiB`;
  return undefined;
}
