import { bwrapDriver } from "./bwrap.ts";
import type { Driver } from "./driver.ts";

/** Every kind of container that can hold a cage, by the name that `HIVE_DRIVER` takes. */
const DRIVERS = { bwrap: () => bwrapDriver() } satisfies Record<string, () => Driver>;

export type DriverName = keyof typeof DRIVERS;
export const DRIVER_NAMES = Object.keys(DRIVERS) as [DriverName, ...DriverName[]];

export function openDriver(name: DriverName): Driver {
  return DRIVERS[name]();
}
