import { bwrapPlatform } from "./bwrap/platform.ts";
import { nixosPlatform } from "./nixos/platform.ts";
import type { Platform, PlatformHost } from "./platform.ts";

/** Every platform, by its name in `HIVE_DRIVER`. */
const PLATFORMS = {
  bwrap: bwrapPlatform,
  "nixos-container": nixosPlatform,
} satisfies Record<string, (host: PlatformHost) => Platform>;

export type PlatformName = keyof typeof PLATFORMS;
export const PLATFORM_NAMES = Object.keys(PLATFORMS) as [PlatformName, ...PlatformName[]];

export function openPlatform(name: PlatformName, host: PlatformHost): Platform {
  return PLATFORMS[name](host);
}
