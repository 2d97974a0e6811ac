import { neverReached } from "./egress-host.ts";
import { closest } from "./suggest.ts";

/** The hosts of well-known sources of packages and code, by the word that stands for them when hosts are proposed. */
const PRESETS: Readonly<Record<string, readonly string[]>> = {
  npm: ["registry.npmjs.org"],
  pypi: ["pypi.org", "files.pythonhosted.org"],
  crates: ["index.crates.io", "static.crates.io", "crates.io"],
  go: ["proxy.golang.org", "sum.golang.org"],
  maven: ["repo.maven.apache.org", "repo1.maven.org"],
  github: [
    "github.com",
    "api.github.com",
    "codeload.github.com",
    "raw.githubusercontent.com",
    "objects.githubusercontent.com",
    "release-assets.githubusercontent.com",
  ],
};

/** Presets whose hosts take as well as they give: anyone can store something there. */
const BOTH_WAYS = ["github"];

/** The words for the presets. */
export const PRESET_NAMES: readonly string[] = Object.keys(PRESETS);

/** The hosts of a preset. Undefined if the word is none. */
export const presetHosts = (name: string): readonly string[] | undefined =>
  Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;

/** Hosts with the words for presets replaced by their hosts, each once. */
export const withPresets = (hosts: readonly string[]): string[] => [
  ...new Set(hosts.flatMap((host) => presetHosts(host) ?? [host])),
];

/**
 * Why a word is proposed in vain, with the preset that was probably meant; undefined for a preset or a host. Without a dot
 * it is no host of the public internet, the only one that agents reach. With a port it is meant as it is.
 */
export function notAHost(word: string): string | undefined {
  // An address or this machine has a reason of its own, which the hive gives.
  if (/[.:]/.test(word) || presetHosts(word) || neverReached(word) !== undefined) return undefined;
  const meant = closest(word, PRESET_NAMES);
  const hint = meant === undefined ? `; name it in full, or one of ${PRESET_NAMES.join(", ")}` : `; did you mean ${meant}?`;
  return `${word} is no host of the public internet: it has no dot${hint}`;
}

/** The preset that has a host. */
export const presetWith = (host: string): string | undefined => PRESET_NAMES.find((name) => PRESETS[name]?.includes(host));

/** True if what an agent reads from a host cannot be told from what it writes there. */
export function isBothWays(entry: string): boolean {
  const [host = ""] = entry.split(":");
  return BOTH_WAYS.some((name) => PRESETS[name]?.includes(host));
}
