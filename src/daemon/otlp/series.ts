import type { Attributes, Histogram, Series } from "./payload.ts";

/** Series of one histogram: agents by models, with room. What comes later is not counted. */
const MAX_SERIES = 2_000;

/** A histogram that is summed in memory since the daemon started. */
export class SummedHistogram {
  readonly #shape: Omit<Histogram, "series">;
  readonly #series = new Map<string, Series & { count: number; sum: number; buckets: number[] }>();

  constructor(shape: Omit<Histogram, "series">) {
    this.#shape = shape;
  }

  /** Counts a value. False if there is no room for one more series. */
  record(attributes: Attributes, value: number): boolean {
    const key = JSON.stringify(attributes);
    let series = this.#series.get(key);
    if (!series) {
      if (this.#series.size >= MAX_SERIES) return false;
      const buckets = Array.from({ length: this.#shape.bounds.length + 1 }, () => 0);
      this.#series.set(key, (series = { attributes, count: 0, sum: 0, buckets }));
    }
    series.count++;
    series.sum += value;
    const above = this.#shape.bounds.findIndex((bound) => value <= bound);
    const bucket = above < 0 ? this.#shape.bounds.length : above;
    series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
    return true;
  }

  /** What is exported. */
  read(): Histogram {
    return { ...this.#shape, series: this.#series.values() };
  }
}
