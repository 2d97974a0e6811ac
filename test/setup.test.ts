import { spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

/** Set-up on machines of every kind. The path contains only stub programs that record their calls. */

const ROOT = join(import.meta.dirname, "..");
let folder: string;
let checkout: string;
let bin: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "setup-"));
  checkout = join(folder, "hyperhive");
  bin = join(folder, "bin");
  mkdirSync(bin);
  mkdirSync(checkout);
  cpSync(join(ROOT, "scripts"), join(checkout, "scripts"), { recursive: true });
  cpSync(join(ROOT, "package-lock.json"), join(checkout, "package-lock.json"));
  for (const program of ["env", "mkdir", "true"]) symlinkSync(`/usr/bin/${program}`, join(bin, program));
  for (const program of ["git", "unshare"]) has(program);
  has("npm", "mkdir -p node_modules");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Adds a program to the path that records its arguments and then runs `then`. */
function has(program: string, then = ""): void {
  const file = join(bin, program);
  writeFileSync(file, `#!/bin/sh\nif [ -n "$NOTE" ]; then echo "${program} $*" >> "$NOTE"; fi\n${then}\n`);
  chmodSync(file, 0o755);
}
/** A sudo that runs its command, or asks for a password. */
function hasSudo({ asks }: { asks: boolean }): void {
  has("sudo", asks ? "exit 1" : '[ "$1" = -n ] && shift; exec "$@"');
}

interface Outcome {
  code: number | null;
  said: string;
  ran: string[];
}
function setUp({
  uid = 0,
  env = {},
  before = "",
  run = "setUp()",
}: { uid?: number; env?: Record<string, string>; before?: string; run?: string } = {}): Promise<Outcome> {
  const note = join(folder, "note");
  rmSync(note, { force: true });
  const script = `
    process.getuid = () => ${uid};
    ${before}
    const { unpackSshd } = await import(${JSON.stringify(join(checkout, "scripts/sshd.mjs"))});
    const { runScript, setUp } = await import(${JSON.stringify(join(checkout, "scripts/setup.mjs"))});
    await runScript(async () => console.log((await ${run}) ? "READY" : "PRINTED"));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    env: { PATH: bin, NOTE: note, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve) =>
    child.on("close", (code) =>
      resolve({ code, said, ran: existsSync(note) ? readFileSync(note, "utf8").trim().split("\n") : [] }),
    ),
  );
}
const installs = (ran: string[]): string[] => ran.filter((line) => /^(?:apt-get|dnf|apk|pacman|zypper) /.test(line));

describe("on Debian", () => {
  beforeEach(() => has("apt-get"));

  test("root gets the missing packages, which are named before they are installed, and nothing is done twice", async () => {
    const first = await setUp();
    expect(first).toMatchObject({ code: 0, said: expect.stringContaining("READY") as string });
    expect(first.said.indexOf("bubblewrap, util-linux")).toBeGreaterThanOrEqual(0);
    expect(installs(first.ran)).toEqual([
      "apt-get update -q",
      "apt-get install -y -q --no-install-recommends bubblewrap util-linux",
    ]);
    expect(first.ran).toContain("npm ci --ignore-scripts --no-audit --no-fund");
    for (const program of ["bwrap", "setpriv"]) has(program);
    expect((await setUp()).ran).toEqual([]);
    // Another lock file needs another installation.
    writeFileSync(join(checkout, "package-lock.json"), "{}");
    expect((await setUp()).ran).toContain("npm ci --ignore-scripts --no-audit --no-fund");
  });

  test("a user whose sudo asks for no password gets them, too", async () => {
    hasSudo({ asks: false });
    const { code, ran } = await setUp({ uid: 1000 });
    expect(code).toBe(0);
    expect(installs(ran)).toHaveLength(2);
    expect(ran).toContain(
      "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends bubblewrap util-linux",
    );
  });

  test.each([
    ["sudo would ask", true],
    ["there is no sudo", false],
  ])("where %s it stops with the one command to run, and has done nothing", async (_, present) => {
    if (present) hasSudo({ asks: true });
    has("setpriv");
    const { code, said, ran } = await setUp({ uid: 1000 });
    expect(code).toBe(1);
    expect(said).toContain("\n    sudo apt-get install -y --no-install-recommends bubblewrap\n");
    expect(said).not.toMatch(/\bat .*setup\.mjs/);
    expect(ran.filter((line) => !line.startsWith("sudo -n true"))).toEqual([]);
  });

  test("the tests' sshd is unpacked into the checkout by any user, with the libraries that are missing", async () => {
    // Lists that name a version which the mirror no longer has, until they are renewed.
    const plan = "echo 'Inst openssh-server (1)'; echo 'Inst libwrap0 (1)'; echo 'Inst runit-helper (1)'";
    const fetch = '[ -e "$NOTE.new" ] || exit 100; echo > server.deb; echo > lib.deb';
    has("apt-get", `case "$*" in *update*) echo > "$NOTE.new";; *download*) ${fetch};; *) ${plan};; esac`);
    has("dpkg", 'mkdir -p "$3/usr/sbin"; echo "$2" > "$3/usr/sbin/sshd"');
    const { code, ran } = await setUp({ uid: 1000, run: "unpackSshd()" });
    expect(code).toBe(0);
    const own = `-o Dir::State::Lists=${join(checkout, ".cache/apt/lists")} -o Dir::Cache=${join(checkout, ".cache/apt/cache")}`;
    const unpacked = join(checkout, ".cache/sshd");
    expect(ran).toEqual([
      "apt-get -s install --no-install-recommends openssh-server",
      "apt-get download -q openssh-server libwrap0",
      `apt-get ${own} update -q`,
      `apt-get ${own} -s install --no-install-recommends openssh-server`,
      `apt-get ${own} download -q openssh-server libwrap0`,
      `dpkg -x ${unpacked}.new/packages/lib.deb ${unpacked}.new`,
      `dpkg -x ${unpacked}.new/packages/server.deb ${unpacked}.new`,
    ]);
    expect(readdirSync(unpacked)).toEqual(["usr"]);
  });

  test("HIVE_SETUP=print prints what would be done, and does nothing", async () => {
    const { code, said, ran } = await setUp({ env: { HIVE_SETUP: "print" } });
    expect(code).toBe(0);
    expect(ran).toEqual([]);
    expect(said.trim().split("\n")).toEqual([
      "sudo apt-get install -y --no-install-recommends bubblewrap util-linux",
      "npm ci --ignore-scripts",
      "npm run build",
      "dist/hive-w4rden start -- serve --foreground",
      "PRINTED",
    ]);
    expect(existsSync(join(checkout, "node_modules"))).toBe(false);
  });
});

test.each([
  ["dnf", "sudo dnf install -y bubblewrap util-linux"],
  ["pacman", "sudo pacman -S --noconfirm --needed bubblewrap util-linux"],
  ["zypper", "sudo zypper --non-interactive install bubblewrap util-linux"],
  ["apk", "sudo apk add bubblewrap setpriv"],
])("with %s even root gets only the command: set-up runs only apt unasked", async (manager, command) => {
  has(manager);
  const { code, said, ran } = await setUp();
  expect({ code, ran }).toEqual({ code: 1, ran: [] });
  expect(said).toContain(`\n    ${command}\n`);
});

test("without any package manager the programs are named", async () => {
  const { code, said } = await setUp();
  expect(code).toBe(1);
  expect(said).toContain("please install bwrap, setpriv");
});

describe("on another Node than the hive's", () => {
  /** An npm that installs a Node which records its arguments, or none. */
  const npmBrings = (node: string): void =>
    has(
      "npm",
      `mkdir -p node_modules/node-linux-${process.arch}/bin\n${node && `cat > node_modules/node-linux-${process.arch}/bin/node <<'E'\n${node}\nE\n/bin/chmod +x node_modules/node-linux-${process.arch}/bin/node`}`,
    );

  /** Runs a script as that version of Node would. */
  async function onNode(version: string): Promise<Outcome> {
    return setUp({ before: `Object.defineProperty(process.versions, "node", { value: "${version}" });` });
  }
  beforeEach(() => {
    for (const program of ["bwrap", "setpriv", "apt-get"]) has(program);
    symlinkSync("/bin/cat", join(bin, "cat"));
  });

  test("an older one installs the checkout's own, once, and the script runs again on it with its exit code", async () => {
    npmBrings('#!/bin/sh\necho "node $*" >> "$NOTE"; echo "PATH=$PATH"; [ "$1" = --version ] || exit 3');
    const first = await onNode("20.19.0");
    expect(first.code).toBe(3);
    expect(first.ran).toContain("npm ci --ignore-scripts --no-audit --no-fund");
    expect(first.ran.at(-1)).toMatch(/^node/);
    expect(first.said).toContain(
      `PATH=${join(checkout, ".cache/node/node_modules", `node-linux-${process.arch}`, "bin")}:${bin}`,
    );
    // Only the second run continues after set-up.
    expect(first.said).not.toContain("READY");
    const second = await onNode("22.22.0");
    expect(second.ran).toEqual([expect.stringMatching(/^node/) as string]);
  });

  test("if the installed one does not run, it reports that and tries again at the next start", async () => {
    npmBrings("#!/bin/sh\nexit 1");
    for (let n = 0; n < 2; n++) {
      const { code, said, ran } = await onNode("20.19.0");
      expect(code).toBe(1);
      expect(said).toContain("Node 24 could not be installed from npm: install Node 24 or newer, then try again");
      expect(ran).toContain("npm ci --ignore-scripts --no-audit --no-fund");
    }
  });

  test("a newer one is used as it is", async () => {
    const { code, said, ran } = await onNode("26.0.0");
    expect({ code, said }).toMatchObject({ code: 0, said: expect.stringContaining("READY") as string });
    expect(ran).toEqual(["npm ci --ignore-scripts --no-audit --no-fund"]);
  });

  test("one that is too old for set-up is refused with the required version", async () => {
    const { code, said, ran } = await onNode("18.20.0");
    expect({ code, ran }).toEqual({ code: 1, ran: [] });
    expect(said).toContain("set-up needs Node 20 or newer, and this is 18.20.0");
  });
});

test("npm does not warn about a Node that set-up can work with", async () => {
  const { SETUP_FLOOR } = (await import(join(import.meta.dirname, "../scripts/node.mjs"))) as { SETUP_FLOOR: number };
  const { engines } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")) as { engines: object };
  expect(engines).toEqual({ node: `>=${SETUP_FLOOR}` });
});
