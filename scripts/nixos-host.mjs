// `NIXPKGS=<folder> npm run nixos-host [-- arguments of vitest]`: the contract of drivers, and whole hives, on a nested host
// with a real systemd, the real `nixos-container` and the real start script of containers, from the nixpkgs of that
// folder. Root only. Builds what has changed before.
// The host and the containers have Debian's programs in place of a store of NixOS. `HIVE_NESTED_ROOT` names a root of
// Debian 13 with systemd, systemd-container, perl, git, nix-bin and bubblewrap; without it the first run makes one under .cache.
// `HIVE_NESTED_COMMAND` is run there in place of the tests.
import { spawn } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./build.mjs";
import { cannot } from "./campaign.mjs";
import { ROOT, exec, has, step } from "./lib.mjs";

// libdbi-perl: debootstrap does not follow the virtual package by which nix-bin needs it.
const PACKAGES =
  "systemd,systemd-sysv,systemd-container,dbus,perl,git,libdbi-perl,nix-bin,bubblewrap,util-linux,procps,gcc,libc6-dev,python3";
const nixpkgs = process.env.NIXPKGS;
const CACHED = join(ROOT, ".cache", "nested-host");
const system = process.env.HIVE_NESTED_ROOT ?? CACHED;
const LIBRARIES = ["x86_64-linux-gnu", "aarch64-linux-gnu"].flatMap((name) => [`usr/lib/${name}`, `usr/lib/${name}/systemd`]);
const LOADERS = ["lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1"];
/** Bytes of the nested host's files, which are in memory: only such file systems map ids everywhere. */
const HOST_SIZE = "4g";
/** Programs of the store, at the paths that they have on the nested host. */
const STORE_PROGRAM = /\/nix\/store\/[0-9a-z]{32}-[^/\s":]+\/s?bin\//g;
/** Units of Debian that a container with one service does not need. */
const MASKED = [
  "dbus.service",
  "dbus.socket",
  "systemd-logind.service",
  "getty.target",
  "timers.target",
  "systemd-firstboot.service",
];

if (process.getuid() !== 0) cannot("a nested host needs root");
if (nixpkgs === undefined) cannot("NIXPKGS names no folder: set it to a checkout of nixpkgs");
if (process.env.HIVE_NESTED_INSIDE !== "1") {
  // The hives there run what is built here.
  await build();
  if (!(await isThere(system))) {
    if (!(await has("debootstrap"))) cannot("debootstrap is not installed: apt-get install debootstrap");
    await step("making a root of Debian 13", makeSystem);
  }
  const argv = ["-m", "--propagation", "private", process.execPath, ...process.argv.slice(1)];
  const child = spawn("unshare", argv, { stdio: "inherit", env: { ...process.env, HIVE_NESTED_INSIDE: "1" } });
  for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => child.kill(name));
  process.exit(await new Promise((resolve) => child.once("close", (code) => resolve(code ?? 1))));
}

const scratch = await mkdtemp(join(tmpdir(), "nested-"));
const host = join(scratch, "host");
try {
  await mkdir(host);
  await exec("mount", ["-t", "tmpfs", "-o", `mode=755,size=${HOST_SIZE}`, "nested", host]);
  await step("copying the root of the nested host", () => exec("cp", ["-a", `${system}/.`, host]));
  await step("evaluating the units of NixOS", installUnits);
  process.exitCode = await boot();
} finally {
  await exec("umount", ["--lazy", "--recursive", host]).catch((error) => process.stderr.write(`${error.message}\n`));
  await rm(scratch, { recursive: true, force: true });
}

/** Atomic: the folder gets its name when debootstrap has finished. */
async function makeSystem() {
  await rm(`${CACHED}.new`, { recursive: true, force: true });
  await mkdir(`${CACHED}.new`, { recursive: true });
  await exec("debootstrap", ["--variant=minbase", `--include=${PACKAGES}`, "trixie", `${CACHED}.new`]);
  await rename(`${CACHED}.new`, CACHED);
}

/** Runs a program in the nested root, without its service manager. */
function inRoot(command) {
  return exec("chroot", [host, "/usr/bin/env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", ...command]);
}

/** Adds a folder of root's home to the store of the nested host. */
async function added(name) {
  const printed = await inRoot(["nix-store", "--add", `/root/${name}`]);
  return printed.trim().split("\n").at(-1);
}

async function put(path, text, mode = 0o644) {
  await mkdir(join(host, path, ".."), { recursive: true });
  await writeFile(join(host, path), text);
  await chmod(join(host, path), mode);
}

async function installUnits() {
  for (const [name, source] of [
    ["nixpkgs", nixpkgs],
    ["proc", "/proc"],
    ["dev", "/dev"],
  ]) {
    await mkdir(join(host, name), { recursive: true });
    await exec("mount", ["--bind", source, join(host, name)]);
  }
  await mkdir(join(host, ROOT), { recursive: true });
  await exec("mount", ["--bind", ROOT, join(host, ROOT)]);
  await put("etc/nix/nix.conf", "build-users-group =\nsandbox = false\nsubstituters =\n");
  const units = join(ROOT, "test/nixos-host/units.nix");
  const options = ["--eval", "--strict", "--json", "--arg", "nixpkgs", "/nixpkgs", "--arg", "hyperhive", ROOT];
  const printed = await inRoot(["nix-instantiate", ...options, units]);
  // A warning of Nix may come before the value.
  const { unit, preStart, script, postStart, harness } = JSON.parse(printed.trim().split("\n").at(-1));

  // The host: the template of containers, with its scripts at other places.
  const library = "/usr/local/lib/container";
  const shell = (text) => `#!/bin/bash -e\n${text.replaceAll(STORE_PROGRAM, "/usr/bin/")}`;
  await put(`${library}/init`, await readFile(join(ROOT, "test/nixos-host/container-init"), "utf8"), 0o755);
  await put(`${library}/pre-start`, shell(preStart), 0o755);
  await put(`${library}/post-start`, shell(postStart), 0o755);
  const start = script.replace(/\/nix\/store\/[0-9a-z]{32}-container-init/, `--bind-ro=/usr ${library}/init`);
  // The root of a container has Debian's /usr, and the links to it.
  const links = ["bin", "lib", "lib64", "sbin"].map((name) => `ln -sfnT usr/${name} "$root/${name}"\n`).join("");
  await put(`${library}/start`, shell(`mkdir -p "$root"\n${links}${start}`), 0o755);
  const settings = unit
    .split("\n")
    .filter((line) => !/^Environment="(?:LOCALE_ARCHIVE|TZDIR|PATH)=|^ExecReload=/.test(line))
    .map((line) =>
      line.replace(
        /^(ExecStart(Pre|Post)?)=.*/,
        (_, name) => `${name}=${library}/${{ ExecStart: "start", ExecStartPre: "pre-start", ExecStartPost: "post-start" }[name]}`,
      ),
    );
  await put("etc/systemd/system/container@.service", settings.join("\n"));

  // What a container must not reach.
  await put("nix/var/nix/daemon-socket/socket", "", 0o666);

  // The real script, with its six placeholders filled.
  const perl = await readFile(join(nixpkgs, "pkgs/by-name/ni/nixos-container/nixos-container.pl"), "utf8");
  const places = {
    perl: "/usr",
    lib: "/nixpkgs/lib",
    "util-linux": "/usr",
    su: "/usr/bin/su",
    configurationDirectory: "/etc/nixos-containers",
    stateDirectory: "/var/lib/nixos-containers",
  };
  await put(
    "usr/local/bin/nixos-container",
    perl.replace(/@([a-zA-Z-]+)@/g, (text, name) => places[name] ?? text).trimStart(),
    0o755,
  );
  for (const name of ["File/Slurp.pm", "IPC/Run.pm"])
    await put(`etc/perl/${name}`, await readFile(join(ROOT, "test/nixos-host/perl", name), "utf8"));

  // The system of an agent: the real unit of its harness, in Debian.
  const made = join(host, "root/system");
  await mkdir(join(made, "units/multi-user.target.wants"), { recursive: true });
  await cp(join(ROOT, "test/nixos-host/system-init"), join(made, "init"));
  await writeFile(join(made, "system"), "x86_64-linux");
  const ofAgent = harness.split("\n").filter((line) => !/^Environment="(?:LOCALE_ARCHIVE|TZDIR)=/.test(line));
  const text = ofAgent.join("\n").replace(/^Environment="PATH=.*"$/m, 'Environment="PATH=/usr/bin"');
  await writeFile(join(made, "units/hive-ag3nt.service"), text);
  await symlink("../hive-ag3nt.service", join(made, "units/multi-user.target.wants/hive-ag3nt.service"));
  for (const name of MASKED) await symlink("/dev/null", join(made, "units", name));
  // A system that does not boot.
  await put("root/broken/init", "exec /nothing", 0o755);
  await put("root/broken/system", "x86_64-linux");
  const [path, broken] = await Promise.all(["system", "broken"].map(added));

  // As root's helper runs: in a mount namespace of its own, which gets what is mounted on the host.
  const vitest = [
    "/usr/bin/unshare",
    "--mount",
    "--propagation",
    "slave",
    "--",
    process.execPath,
    join(ROOT, "node_modules/vitest/vitest.mjs"),
    "run",
    "--config",
    join(ROOT, "test/nixos-host/vitest.config.ts"),
  ];
  const words = [...vitest, ...process.argv.slice(2)].map((word) => `"${word.replaceAll('"', '\\"')}"`);
  await put(
    "etc/systemd/system/nested.service",
    `[Unit]
SuccessAction=exit
FailureAction=exit
After=multi-user.target
[Service]
Type=oneshot
TimeoutStartSec=infinity
WorkingDirectory=${ROOT}
Environment=HIVE_HOST_SYSTEM=${path} HIVE_BROKEN_SYSTEM=${broken} HOME=/root CI=1 FORCE_COLOR=0 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
StandardOutput=append:/output
StandardError=append:/output
ExecStart=${process.env.HIVE_NESTED_COMMAND ?? words.join(" ")}
`,
  );
  await mkdir(join(host, "etc/systemd/system/default.target.wants"), { recursive: true });
  await symlink("../nested.service", join(host, "etc/systemd/system/default.target.wants/nested.service"));
  for (const name of ["nixpkgs", "dev", "proc", ROOT]) await exec("umount", ["--lazy", join(host, name)]);
}

/** Boots the nested host with its own systemd-nspawn, and resolves with the code of its test. */
async function boot() {
  const loader = await firstOf(LOADERS);
  const libraries = LIBRARIES.map((name) => join(system, name)).join(":");
  const nspawn = ["--library-path", libraries, join(system, "usr/bin/systemd-nspawn")];
  const flags = [
    "--register=no",
    "--keep-unit",
    "-M",
    `hive-nested-${process.pid}`,
    "-D",
    host,
    "-b",
    "--capability=all",
    "--private-network",
  ];
  const binds = [`--bind=${ROOT}`, `--bind-ro=${nixpkgs}:/nixpkgs`];
  const env = {
    PATH: process.env.PATH,
    SYSTEMD_SECCOMP: "0",
    SYSTEMD_NSPAWN_API_VFS_WRITABLE: "1",
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1",
  };
  const argv = [...nspawn, ...flags, ...binds, "--console=pipe"];
  await writeFile(join(host, "output"), "");
  const child = spawn(loader, argv, { env, stdio: ["ignore", "inherit", "inherit"] });
  // The nested host outlives its systemd-nspawn, and everything in it ends with its first process.
  const kill = async () => {
    const first = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
    process.kill(Number(first.trim()), "SIGKILL");
  };
  for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => void kill());
  const ended = new Promise((resolve) => child.once("close", (code) => resolve(code ?? 1)));
  await exec("tail", ["--follow", "--lines=+1", `--pid=${child.pid}`, join(host, "output")], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  return ended;
}

async function firstOf(names) {
  for (const name of names) if (await isThere(join(system, name))) return join(system, name);
  throw new Error(`${system} has none of ${names.join(", ")}: remove it and try again`);
}

async function isThere(path) {
  // Missing or not accessible: it is made again.
  return (await stat(path).catch(() => undefined)) !== undefined;
}
