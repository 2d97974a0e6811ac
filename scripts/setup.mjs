// Makes a checkout ready to run: npm packages, the native module, the programs of the host. Idempotent; when all is
// there it only looks. `HIVE_SETUP=print` says what would be done and does nothing.
import { access, readFile, realpath, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { ROOT, exec, has, hashOfFiles, readStamp, step } from "./lib.mjs";

const MIN_NODE = [20, 19];
const STAMP = join(ROOT, "node_modules", ".hive-stamp");
const NATIVE = join(ROOT, "scripts", "native");
const BINDING = join(ROOT, "node_modules", "better-sqlite3", "build", "Release", "better_sqlite3.node");
const PRINT_ONLY = process.env.HIVE_SETUP === "print";

/** A program and the package that brings it, by package manager. */
const PROGRAMS = {
  bwrap: { apt: "bubblewrap", dnf: "bubblewrap", pacman: "bubblewrap", zypper: "bubblewrap", apk: "bubblewrap" },
  git: { apt: "git", dnf: "git", pacman: "git", zypper: "git", apk: "git" },
  unshare: { apt: "util-linux", dnf: "util-linux", pacman: "util-linux", zypper: "util-linux", apk: "util-linux" },
  setpriv: { apt: "util-linux", dnf: "util-linux", pacman: "util-linux", zypper: "util-linux", apk: "setpriv" },
  openssl: { apt: "openssl", dnf: "openssl", pacman: "openssl", zypper: "openssl", apk: "openssl" },
  nix: { apt: "nix-bin", dnf: "nix", pacman: "nix", zypper: "nix", apk: "nix" },
  faketime: { apt: "faketime", dnf: "libfaketime", pacman: "libfaketime", zypper: "libfaketime", apk: "libfaketime" },
  chromium: { apt: "chromium", dnf: "chromium", pacman: "chromium", zypper: "chromium", apk: "chromium" },
  zsh: { apt: "zsh", dnf: "zsh", pacman: "zsh", zypper: "zsh", apk: "zsh" },
  fish: { apt: "fish", dnf: "fish", pacman: "fish", zypper: "fish", apk: "fish" },
  perl: { apt: "perl", dnf: "perl", pacman: "perl", zypper: "perl", apk: "perl" },
  cc: { apt: "build-essential", dnf: "gcc", pacman: "base-devel", zypper: "gcc", apk: "build-base" },
  python3: { apt: "python3", dnf: "python3", pacman: "python", zypper: "python3", apk: "python3" },
  strace: { apt: "strace", dnf: "strace", pacman: "strace", zypper: "strace", apk: "strace" },
  xfs_io: { apt: "xfsprogs", dnf: "xfsprogs", pacman: "xfsprogs", zypper: "xfsprogs", apk: "xfsprogs" },
  "mkfs.ext4": { apt: "e2fsprogs", dnf: "e2fsprogs", pacman: "e2fsprogs", zypper: "e2fsprogs", apk: "e2fsprogs" },
};
/** What only the tests need. */
const FOR_TESTS = [
  "chromium",
  "openssl",
  "nix",
  "faketime",
  "zsh",
  "fish",
  "strace",
  "xfs_io",
  "mkfs.ext4",
  "perl",
  "cc",
  "python3",
];
const COMPILER = {
  apt: ["build-essential", "python3"],
  dnf: ["gcc-c++", "make", "python3"],
  pacman: ["base-devel", "python"],
  zypper: ["gcc-c++", "make", "python3"],
  apk: ["build-base", "python3"],
};
const INSTALL = {
  apt: "apt-get install -y --no-install-recommends",
  dnf: "dnf install -y",
  pacman: "pacman -S --noconfirm --needed",
  zypper: "zypper --non-interactive install",
  apk: "apk add",
};

/** Something is missing that only a person can bring: the message says how, and nothing else is printed. */
export class SetupError extends Error {}

/** Does what is missing. `forTests` adds a browser, a real Nix, shells, and the tools that make certificates, faults and power cuts. Returns false when it only printed. */
export async function setUp({ forTests = false } = {}) {
  checkNode();
  const programs = await missingPrograms(["bwrap", "git", "unshare", "setpriv", ...(forTests ? FOR_TESTS : [])]);
  const lock = await hashOfFiles(["package-lock.json"], process.versions.modules);
  const needsPackages = (await readStamp(STAMP)) !== lock;
  if (PRINT_ONLY) {
    await printPlan(programs, needsPackages);
    return false;
  }
  await installPrograms(programs);
  if (needsPackages) {
    await step("installing the npm packages", () => exec("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]));
    await buildNative();
    await writeFile(STAMP, lock);
  }
  return true;
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return;
  throw new SetupError(`hyperhive needs Node ${MIN_NODE.join(".")} or newer; this is ${process.versions.node}`);
}

async function missingPrograms(wanted) {
  const missing = [];
  for (const program of wanted) if (!(await has(program))) missing.push(program);
  return missing;
}

async function packageManager() {
  for (const [manager, program] of [
    ["apt", "apt-get"],
    ["dnf", "dnf"],
    ["pacman", "pacman"],
    ["zypper", "zypper"],
    ["apk", "apk"],
  ]) {
    if (await has(program)) return manager;
  }
  return undefined;
}

/** How commands become root here, or undefined when they cannot without a question. */
async function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  if (!(await has("sudo"))) return undefined;
  return exec("sudo", ["-n", "true"]).then(
    () => ["sudo", "-n"],
    () => undefined, // No sudo without a password.
  );
}

function namesOf(programs, manager) {
  return [...new Set(programs.map((program) => PROGRAMS[program][manager]))];
}

async function installPrograms(programs) {
  if (programs.length > 0) await installPackages((manager) => namesOf(programs, manager), programs);
}

/** Installs packages of the distribution, after naming them. Only through apt, the one that is tested. */
async function installPackages(namesFor, programs) {
  const manager = await packageManager();
  if (manager === undefined) {
    throw new SetupError(
      `please install ${programs.join(", ")} (on NixOS: nix-shell -p bubblewrap git util-linux), then run this again`,
    );
  }
  const names = namesFor(manager);
  const root = await rootPrefix();
  const command = `${INSTALL[manager]} ${names.join(" ")}`;
  if (manager !== "apt" || root === undefined)
    throw new SetupError(
      `some programs are missing: ${programs.join(", ")}. Please run this, then start again:\n\n    sudo ${command}\n`,
    );
  console.error(`installing from Debian's packages: ${names.join(", ")}`);
  const run = (argv) => {
    const [program, ...rest] = [...root, "env", "DEBIAN_FRONTEND=noninteractive", ...argv];
    return exec(program, rest);
  };
  await step("updating the package lists", () => run(["apt-get", "update", "-q"]));
  await step(`installing ${names.join(", ")}`, () =>
    run(["apt-get", "install", "-y", "-q", "--no-install-recommends", ...names]),
  );
}

/** The one package with native code: a prebuilt file where one can be had, else it is compiled. */
async function buildNative() {
  if ((await loads()) && !(await hasWrapHooks())) return;
  const nodedir = await ownHeaders();
  const env = {
    ...process.env,
    ...(nodedir === undefined ? {} : { npm_config_nodedir: nodedir }),
    CXXFLAGS: `${process.env.CXXFLAGS ?? ""} -include no-wrap-hooks.h`.trim(),
    CPLUS_INCLUDE_PATH: [NATIVE, process.env.CPLUS_INCLUDE_PATH].filter(Boolean).join(delimiter),
  };
  const build = (more = {}) =>
    step("building better-sqlite3 (a minute where no prebuilt file can be had)", () =>
      exec("npm", ["rebuild", "better-sqlite3"], { env: { ...env, ...more } }),
    );
  const rebuild = async () => {
    await build();
    // A prebuilt file knows nothing of our flags.
    if (await hasWrapHooks()) await build({ npm_config_build_from_source: "true" });
  };
  try {
    await rebuild();
  } catch (error) {
    if ((await has("g++")) && (await has("make")) && (await has("python3"))) throw error;
    await installPackages((manager) => COMPILER[manager], ["a C++ compiler", "make", "python3"]);
    await rebuild();
  }
  if (!(await loads()))
    throw new SetupError("better-sqlite3 was built but does not load: run `npm rebuild better-sqlite3` and read what it says");
}

/** Where this Node's own headers are, if they came with it: a compiler then needs nothing from the network. */
async function ownHeaders() {
  const root = dirname(dirname(await realpath(process.execPath)));
  return access(join(root, "include", "node", "node.h")).then(
    () => root,
    () => undefined, // Node's headers are not there.
  );
}

async function loads() {
  const script = "const D = require('better-sqlite3'); new D(':memory:').close()";
  return exec(process.execPath, ["-e", script]).then(
    () => true,
    () => false, // It cannot be loaded: it is built.
  );
}

/** True for a build whose objects end the process when they are collected; `native/no-wrap-hooks.h` says why. */
async function hasWrapHooks() {
  // No build yet.
  const bytes = await readFile(BINDING).catch(() => Buffer.alloc(0));
  return bytes.includes("RemoveEnvironmentCleanupHook");
}

async function printPlan(programs, needsPackages) {
  const manager = await packageManager();
  const lines = [];
  if (programs.length > 0)
    lines.push(manager ? `sudo ${INSTALL[manager]} ${namesOf(programs, manager).join(" ")}` : `install ${programs.join(", ")}`);
  if (needsPackages)
    lines.push(
      "npm ci --ignore-scripts",
      `npm rebuild better-sqlite3   # with ${COMPILER.apt.join(", ")} where no prebuilt file can be had`,
    );
  lines.push("npm run build", "node dist/hive-c0re.js serve --foreground");
  console.log(lines.join("\n"));
}

/** Runs a script's main part; what only a person can mend is printed without a stack. */
export async function runScript(main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof SetupError ? `\n${error.message}` : error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
