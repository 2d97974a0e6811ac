// OpenSSH's server for the tests. Its Debian package starts a server when it is installed, so it is not installed:
// its files are unpacked into the checkout, and each test starts its own on loopback. Needs no root.
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { ROOT, exec, has, step } from "./lib.mjs";

const CACHE = join(ROOT, ".cache");
/** Where the package is unpacked. */
const PLACE = join(CACHE, "sshd");
/** Package lists of the checkout's own, for a machine that has none or whose lists are too old to download from. */
const LISTS = join(CACHE, "apt");
const PACKAGE = "openssh-server";
/** What Debian calls processors, by what Node calls them. */
const MACHINES = { x64: "x86_64", arm64: "aarch64" };

/** True if the tests have an sshd: the machine's, or the one of this checkout with the libraries that it needs. */
export async function hasSshd() {
  if (await has("sshd")) return true;
  const libraries = ["lib", "usr/lib"].map((folder) => join(PLACE, folder, `${MACHINES[process.arch]}-linux-gnu`)).join(":");
  const env = { ...process.env, LD_LIBRARY_PATH: libraries };
  return exec(join(PLACE, "usr/sbin/sshd"), ["-V"], { env }).then(
    () => true,
    // An sshd that knows no -V says how it is used. One without its libraries, or none, says neither.
    (error) => /usage:|OpenSSH/.test(error.message),
  );
}

/** Unpacks Debian's sshd, and the libraries that it needs and the machine does not have. Installs nothing. */
export async function unpackSshd() {
  const work = `${PLACE}.new`;
  await rm(work, { recursive: true, force: true });
  await mkdir(join(work, "packages"), { recursive: true });
  await step(`unpacking ${PACKAGE} for the tests`, async () => {
    await download(join(work, "packages"));
    for (const file of (await readdir(join(work, "packages"))).sort())
      await exec("dpkg", ["-x", join(work, "packages", file), work]);
  });
  await rm(join(work, "packages"), { recursive: true });
  await rm(PLACE, { recursive: true, force: true });
  await rename(work, PLACE);
}

/** Downloads with the machine's package lists, or else with newer ones of the checkout's own. */
async function download(folder) {
  try {
    return await downloadWith([], folder);
  } catch {
    // No lists, or lists that name versions which the mirror no longer has.
    for (const part of ["lists/partial", "cache/archives/partial"]) await mkdir(join(LISTS, part), { recursive: true });
    const own = [`Dir::State::Lists=${join(LISTS, "lists")}`, `Dir::Cache=${join(LISTS, "cache")}`];
    const options = own.flatMap((one) => ["-o", one]);
    await exec("apt-get", [...options, "update", "-q"]);
    await downloadWith(options, folder);
  }
}

async function downloadWith(options, folder) {
  // What an installation would fetch is what the machine lacks. Of that, sshd needs the libraries at most.
  const plan = await exec("apt-get", [...options, "-s", "install", "--no-install-recommends", PACKAGE]);
  const lacking = [...plan.matchAll(/^Inst (lib\S+)/gm)].map(([, name]) => name);
  await exec("apt-get", [...options, "download", "-q", PACKAGE, ...lacking], { cwd: folder });
}
