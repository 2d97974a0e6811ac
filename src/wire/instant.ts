let second = Number.NaN;
let upToPoint = "";

/**
 * An instant as it is on the wire, from milliseconds since 1970: what `toISOString` writes, in UTC. The text of the last
 * second is kept, because instants that are told come one after the other, and writing the calendar's part of a message's
 * was a fiftieth of the way from its send to whoever waited for it. Throws a RangeError for what no date holds.
 */
export function instant(ms: number): string {
  const of = Math.floor(ms / 1000);
  if (of !== second) {
    upToPoint = new Date(of * 1000).toISOString().slice(0, -"000Z".length);
    second = of;
  }
  return `${upToPoint}${String(Math.floor(ms - of * 1000)).padStart(3, "0")}Z`;
}
