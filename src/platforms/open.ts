import { bwrapDriver } from "./bwrap/driver.ts";
import type { Driver } from "./port.ts";

/** Every driver, by its name in `HIVE_DRIVER`. */
const DRIVERS = { bwrap: () => bwrapDriver() } satisfies Record<string, () => Driver>;

export type DriverName = keyof typeof DRIVERS;
export const DRIVER_NAMES = Object.keys(DRIVERS) as [DriverName, ...DriverName[]];

export function openDriver(name: DriverName): Driver {
  return DRIVERS[name]();
}
