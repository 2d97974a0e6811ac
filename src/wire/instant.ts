let second = Number.NaN;
let upToPoint = "";

/**
 * An instant on the wire, from milliseconds since 1970: the same text as `toISOString`, in UTC. Caches the text of the
 * last second because instants arrive in order, and formatting the calendar part took a fiftieth of the time from a
 * send to its delivery. Throws a RangeError for a value that is not a valid date.
 */
export function instant(ms: number): string {
  const of = Math.floor(ms / 1000);
  if (of !== second) {
    upToPoint = new Date(of * 1000).toISOString().slice(0, -"000Z".length);
    second = of;
  }
  return `${upToPoint}${String(Math.floor(ms - of * 1000)).padStart(3, "0")}Z`;
}
