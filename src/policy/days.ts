/** A day of the operator: its date, and when it ends. Milliseconds since the epoch. */
export interface Day {
  date: string;
  ends: number;
}

/** Longer than any day: one with 25 hours, and the shift of a zone that moves by an hour more. Milliseconds. */
const LONGEST_DAY_MS = 27 * 3600 * 1000;
const HOUR_MS = 3600 * 1000;

/** True if the runtime knows the time zone. */
export function isTimeZone(zone: string): boolean {
  try {
    return new Days(zone).zone === zone;
  } catch {
    // The runtime refuses zones that it does not know.
    return false;
  }
}

/**
 * The days of a time zone. A day begins with its first moment by the clock on the wall there, so it has 23 or 25 hours
 * where summer time begins or ends.
 */
export class Days {
  readonly zone: string;
  readonly #format: Intl.DateTimeFormat;
  #last: (Day & { from: number }) | undefined;

  constructor(zone: string) {
    this.zone = zone;
    this.#format = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
  }

  /** The day that contains a moment. */
  at(now: number): Day {
    const last = this.#last;
    if (last && now >= last.from && now < last.ends) return last;
    const date = this.#date(now);
    let [within, ends] = [now, now + LONGEST_DAY_MS];
    while (ends - within > 1) {
      const middle = Math.floor((within + ends) / 2);
      if (this.#date(middle) === date) within = middle;
      else ends = middle;
    }
    this.#last = { from: now, date, ends };
    return this.#last;
  }

  /** When a date begins. Milliseconds since the epoch. */
  beginOf(date: string): number {
    // Clocks differ from UTC by 14 hours at most, so at this moment an earlier date runs everywhere.
    let { ends } = this.at(Date.parse(date) - 36 * HOUR_MS);
    for (let next = this.at(ends); next.date < date; next = this.at(ends)) ends = next.ends;
    return ends;
  }

  #date(at: number): string {
    return this.#format.format(at);
  }
}
