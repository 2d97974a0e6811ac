const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A number of bytes, as terminal and page show it: `847 B`, `2.9 MiB`. */
export function sizeText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
