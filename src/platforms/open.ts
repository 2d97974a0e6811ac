import { bwrapPlatform } from "./bwrap/platform.ts";
import type { Platform } from "./platform.ts";

/** Every platform, by its name in `HIVE_DRIVER`. */
const PLATFORMS = { bwrap: bwrapPlatform } satisfies Record<string, () => Platform>;

export type PlatformName = keyof typeof PLATFORMS;
export const PLATFORM_NAMES = Object.keys(PLATFORMS) as [PlatformName, ...PlatformName[]];

export function openPlatform(name: PlatformName): Platform {
  return PLATFORMS[name]();
}
