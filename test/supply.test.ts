import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

/** What the hive is built from: locked by hash, without install scripts, under known licences. */

const ROOT = join(import.meta.dirname, "..");
const LOCKS = ["package-lock.json", "scripts/node/package-lock.json"];

/** Packages whose script would compile an addon that only makes them faster. The script is never run. */
const DO_WITHOUT = ["node_modules/ssh2", "node_modules/cpu-features"];

/** Packages that name their licence in the old way, `licenses`, which npm does not copy into the lock file. */
const OLD_WAY = ["node_modules/ssh2", "node_modules/cpu-features", "node_modules/buildcheck"];

interface Locked {
  version: string;
  integrity?: string;
  resolved?: string;
  license?: string;
  hasInstallScript?: boolean;
}

const lockedIn = (file: string): [string, Locked][] => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, file), "utf8")) as { packages: Record<string, Locked> };
  return Object.entries(packages).filter(([path]) => path !== "");
};

describe.each(LOCKS)("%s", (file) => {
  const locked = lockedIn(file);

  test("names the hash of every package, and no other source than the registry", () => {
    expect(locked.length).toBeGreaterThan(1);
    for (const [path, { integrity, resolved }] of locked) {
      expect(integrity, path).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
      expect(resolved, path).toBeUndefined();
    }
  });

  test("contains no package that wants to run a script when it is installed, but those that do without", () => {
    const wanting = locked.filter(([, one]) => one.hasInstallScript).map(([path]) => path);
    expect(wanting.filter((path) => !DO_WITHOUT.includes(path))).toEqual([]);
  });
});

test("every install runs from a lock file or names an exact version, without scripts", () => {
  for (const name of readdirSync(join(ROOT, "scripts")).filter((one) => one.endsWith(".mjs"))) {
    const text = readFileSync(join(ROOT, "scripts", name), "utf8");
    for (const [call] of text.matchAll(/exec\(\s*"npm",\s*\[[^\]]*"(?:ci|install)"[^\]]*\]/g))
      expect(call, name).toContain('"--ignore-scripts"');
  }
});

test("package.json names exact versions", () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Record<
    string,
    Record<string, string>
  >;
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
    expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
});

/**
 * Licences that permit use and distribution of the hive. MPL-2.0 binds changes of its own files, and we change none.
 * The Claude Code binary and its SDK are under Anthropic's commercial terms; the hive runs them and distributes neither.
 */
const LICENCES = ["MIT", "Apache-2.0", "ISC", "MPL-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Unlicense", "PSF-2.0"];
const ANTHROPICS_TERMS = /^node_modules\/@anthropic-ai\/claude-agent-sdk/;

test("every package is under a licence of the list", () => {
  const others = lockedIn("package-lock.json").filter(
    ([path, { license }]) => !ANTHROPICS_TERMS.test(path) && !OLD_WAY.includes(path) && !LICENCES.includes(license ?? ""),
  );
  for (const path of OLD_WAY) {
    const text = readFileSync(join(ROOT, path, "package.json"), "utf8");
    const { licenses } = JSON.parse(text) as { licenses: { type: string }[] };
    expect(
      licenses.map(({ type }) => type),
      path,
    ).toEqual(["MIT"]);
  }
  expect(others.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
});

test("the bill of materials lists every locked package", () => {
  const script = join(ROOT, "scripts/sbom.mjs");
  const { bomFormat, metadata, components } = JSON.parse(
    execFileSync(process.execPath, [script], {
      encoding: "utf8",
      maxBuffer: 64 * 1024 ** 2,
      env: { ...process.env, NODE_ENV: "production" },
    }),
  ) as { bomFormat: string; metadata: { component: object }; components: { name: string; group?: string; version: string }[] };
  expect(bomFormat).toBe("CycloneDX");
  expect(metadata.component).toMatchObject({ name: "hyperhive", type: "application" });
  const listed = new Set(components.map(({ name, version }) => `${name}@${version}`));
  for (const file of LOCKS)
    for (const [path, { version }] of lockedIn(file)) {
      const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
      expect([...listed], path).toContain(`${name}@${version}`);
    }
});
