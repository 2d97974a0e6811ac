// Makes a checkout ready to run: Node, npm packages, the programs of the host. Idempotent: if everything is installed,
// it only checks. `HIVE_SETUP=print` prints what would be done and does nothing.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT, exec, has, hashOfFiles, readStamp, step } from "./lib.mjs";
import { FLOOR, SETUP_FLOOR, hasOwnNode, installOwnNode, isOnFloor, major, runAgain } from "./node.mjs";
import { hasSshd, unpackSshd } from "./sshd.mjs";

const STAMP = join(ROOT, "node_modules", ".hive-stamp");
/** What `npm start` runs in the end. */
const START = `dist/${process.getuid?.() === 0 && process.env.HIVE_AS_ROOT !== "1" ? "hive-w4rden start -- " : "hive-c0re "}serve --foreground`;
const PRINT_ONLY = process.env.HIVE_SETUP === "print";

/** Programs and the packages that contain them, by package manager. */
const PROGRAMS = {
  bwrap: { apt: "bubblewrap", dnf: "bubblewrap", pacman: "bubblewrap", zypper: "bubblewrap", apk: "bubblewrap" },
  git: { apt: "git", dnf: "git", pacman: "git", zypper: "git", apk: "git" },
  unshare: { apt: "util-linux", dnf: "util-linux", pacman: "util-linux", zypper: "util-linux", apk: "util-linux" },
  setpriv: { apt: "util-linux", dnf: "util-linux", pacman: "util-linux", zypper: "util-linux", apk: "setpriv" },
  openssl: { apt: "openssl", dnf: "openssl", pacman: "openssl", zypper: "openssl", apk: "openssl" },
  nix: { apt: "nix-bin", dnf: "nix", pacman: "nix", zypper: "nix", apk: "nix" },
  faketime: { apt: "faketime", dnf: "libfaketime", pacman: "libfaketime", zypper: "libfaketime", apk: "libfaketime" },
  chromium: { apt: "chromium", dnf: "chromium", pacman: "chromium", zypper: "chromium", apk: "chromium" },
  // Chromium without a window system: half the cost in tests. On distributions without this package the tests use
  // Chromium itself.
  "chromium-headless-shell": { apt: "chromium-headless-shell", dnf: "chromium-headless" },
  zsh: { apt: "zsh", dnf: "zsh", pacman: "zsh", zypper: "zsh", apk: "zsh" },
  fish: { apt: "fish", dnf: "fish", pacman: "fish", zypper: "fish", apk: "fish" },
  perl: { apt: "perl", dnf: "perl", pacman: "perl", zypper: "perl", apk: "perl" },
  cc: { apt: "build-essential", dnf: "gcc", pacman: "base-devel", zypper: "gcc", apk: "build-base" },
  python3: { apt: "python3", dnf: "python3", pacman: "python", zypper: "python3", apk: "python3" },
  "ssh-keygen": { apt: "openssh-client", dnf: "openssh", pacman: "openssh", zypper: "openssh-clients", apk: "openssh-keygen" },
  // Where apt is, `unpackSshd` brings it: Debian's package would start a server. These packages start none.
  sshd: { dnf: "openssh-server", pacman: "openssh", zypper: "openssh-server", apk: "openssh-server" },
  curl: { apt: "curl", dnf: "curl", pacman: "curl", zypper: "curl", apk: "curl" },
  pip3: { apt: "python3-pip", dnf: "python3-pip", pacman: "python-pip", zypper: "python3-pip", apk: "py3-pip" },
  strace: { apt: "strace", dnf: "strace", pacman: "strace", zypper: "strace", apk: "strace" },
  xfs_io: { apt: "xfsprogs", dnf: "xfsprogs", pacman: "xfsprogs", zypper: "xfsprogs", apk: "xfsprogs" },
  "mkfs.ext4": { apt: "e2fsprogs", dnf: "e2fsprogs", pacman: "e2fsprogs", zypper: "e2fsprogs", apk: "e2fsprogs" },
};
/** Programs that only the tests need. */
const FOR_TESTS = [
  "chromium",
  "chromium-headless-shell",
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
  "curl",
  "ssh-keygen",
  "sshd",
  "pip3",
];
const INSTALL = {
  apt: "apt-get install -y --no-install-recommends",
  dnf: "dnf install -y",
  pacman: "pacman -S --noconfirm --needed",
  zypper: "zypper --non-interactive install",
  apk: "apk add",
};

/** Something that only a person can install is missing. Only the message is printed; it has the instructions. */
export class SetupError extends Error {}

/**
 * Installs what is missing. `forTests` adds a browser, a real Nix, shells, and the tools that make certificates, faults
 * and power cuts. Returns true if the caller may continue. Returns false if it only printed, or if this Node is older
 * than the floor: then the script has run again on the checkout's Node, and the exit code is set.
 */
export async function setUp({ forTests = false } = {}) {
  if (major < SETUP_FLOOR)
    throw new SetupError(
      `set-up needs Node ${SETUP_FLOOR} or newer, and this is ${process.versions.node}. Install a newer Node; set-up brings Node ${FLOOR} by itself`,
    );
  const programs = await missingPrograms(["bwrap", "git", "unshare", "setpriv", ...(forTests ? FOR_TESTS : [])]);
  const lock = await hashOfFiles(["package-lock.json"]);
  const needs = {
    node: !isOnFloor && !(await hasOwnNode()),
    packages: (await readStamp(STAMP)) !== lock,
    sshd: forTests && (await packageManager()) === "apt" && !(await hasSshd()),
  };
  if (PRINT_ONLY) {
    await printPlan(programs, needs);
    return false;
  }
  await installPrograms(programs);
  if (needs.sshd) await unpackSshd();
  await installFromNpm(needs, lock);
  if (isOnFloor) return true;
  process.exitCode = await runAgain();
  return false;
}

/** Installs Node and the packages in parallel, because both wait for the network. */
async function installFromNpm(needs, lock) {
  const what = [needs.node && `Node ${FLOOR}`, needs.packages && "the npm packages"].filter(Boolean).join(" and ");
  if (what === "") return;
  await step(`installing ${what}`, () =>
    Promise.all([
      needs.node && installOwnNode(),
      needs.packages && exec("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]),
    ]),
  );
  if (needs.packages) await writeFile(STAMP, lock);
}

async function missingPrograms(wanted) {
  const manager = await packageManager();
  const missing = [];
  for (const program of wanted) {
    // On a machine without a known package manager, require only programs that every distribution packages.
    const hasPackage = manager ? manager in PROGRAMS[program] : Object.keys(INSTALL).every((one) => one in PROGRAMS[program]);
    if (hasPackage && !(await has(program))) missing.push(program);
  }
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

/** The prefix to run commands as root, or undefined if that needs a password. */
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

/** Installs packages of the distribution, after printing their names. Only through apt, the only manager that is tested. */
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

async function printPlan(programs, needs) {
  const manager = await packageManager();
  const lines = [];
  if (programs.length > 0)
    lines.push(manager ? `sudo ${INSTALL[manager]} ${namesOf(programs, manager).join(" ")}` : `install ${programs.join(", ")}`);
  if (needs.node) lines.push(`npm ci --prefix .cache/node --ignore-scripts   # Node ${FLOOR}, for this checkout alone`);
  if (needs.packages) lines.push("npm ci --ignore-scripts");
  if (needs.sshd) lines.push("apt-get download openssh-server   # unpacked into .cache for the tests, not installed");
  lines.push("npm run build", START);
  console.log(lines.join("\n"));
}

/** Runs a script's main part. An error that only a person can fix is printed without a stack. */
export async function runScript(main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof SetupError ? `\n${error.message}` : error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
