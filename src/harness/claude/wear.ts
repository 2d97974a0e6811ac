/** A process is replaced between turns past each of these: long-lived ones are known to leak. */
const MAX_AGE_MS = 6 * 3600_000;
const MAX_TURNS = 200;
const MAX_RESIDENT_BYTES = 1536 * 1024 * 1024;

/** What a CLI process has been through. */
export interface Wear {
  turns: number;
  ageMs: number;
  residentBytes: number;
}

/** Why a process should be replaced now that its turn has ended, or undefined while it is good for another. */
export function wornOut({ turns, ageMs, residentBytes }: Wear): string | undefined {
  if (turns >= MAX_TURNS) return `${turns} turns`;
  if (ageMs > MAX_AGE_MS) return `${Math.round(ageMs / 3600_000)} hours`;
  if (residentBytes > MAX_RESIDENT_BYTES) return `${Math.round(residentBytes / 1024 / 1024)} MiB`;
  return undefined;
}
