// `npm run test:user`: every test as an ordinary user. Started by root, it makes a user and a copy of this checkout that
// belongs to it, drops all privileges, and removes both afterwards. Started by a user, it is `npm test`. Arguments go to
// vitest.
import { chmod, chown, cp, lchown, mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { build } from "./build.mjs";
import { copyCheckout } from "./checkout.mjs";
import { ROOT, exec, foreground, step } from "./lib.mjs";
import { runScript, setUp } from "./setup.mjs";

/** Where the user's id is taken from: above those of people and services, and below those of systemd and of cages. */
const [FIRST_UID, LAST_UID] = [50_000, 54_000];

await runScript(async () => {
  if (!(await setUp({ forTests: true }))) return;
  await build();
  if (process.getuid() !== 0) {
    process.exitCode = await foreground(process.execPath, [join(ROOT, "scripts", "test.mjs"), ...process.argv.slice(2)]);
    return;
  }
  // Not below this checkout: its parents may be closed to other users.
  const top = await mkdtemp(join(tmpdir(), "user-"));
  // Open to others, as the folder of temporary files is.
  await chmod(top, 0o755);
  const [checkout, home, temporary, bin] = ["checkout", "home", "tmp", "bin"].map((name) => join(top, name));
  const name = `hive-test-${process.pid}`;
  let uid;
  try {
    for (const folder of [checkout, home, temporary, bin]) await mkdir(folder);
    const range = ["--key", `UID_MIN=${FIRST_UID}`, "--key", `UID_MAX=${LAST_UID}`];
    await exec("useradd", [...range, "--user-group", "--no-create-home", "--home-dir", home, "--shell", "/bin/sh", name]);
    uid = Number(await exec("id", ["-u", name]));
    const gid = Number(await exec("id", ["-g", name]));
    await step("copying the checkout for a plain user", async () => {
      await copyCheckout(checkout);
      for (const folder of ["node_modules", "dist"])
        await exec("cp", ["-a", "--reflink=auto", join(ROOT, folder), join(checkout, folder)]);
      await giveAll(top, uid, gid);
    });
    const ids = ["--reuid", String(uid), "--regid", String(gid), "--clear-groups"];
    const asUser = [...ids, "--bounding-set", "-all", "--inh-caps", "-all"];
    const node = await nodeFor(asUser, bin);
    // Npm gives its scripts its settings, such as a cache in root's home.
    const inherited = Object.entries(process.env).filter(([key]) => !/^npm_/i.test(key));
    const env = { ...Object.fromEntries(inherited), HOME: home, TMPDIR: temporary, USER: name, LOGNAME: name };
    env.PATH = [dirname(node), process.env.PATH].join(delimiter);
    const test = [node, join(checkout, "scripts", "test.mjs"), ...process.argv.slice(2)];
    process.exitCode = await foreground("setpriv", [...asUser, ...test], { cwd: checkout, env });
  } finally {
    if (uid !== undefined) await removeUser(name, uid);
    await rm(top, { recursive: true, force: true });
  }
});

async function giveAll(folder, uid, gid) {
  await chown(folder, uid, gid);
  for (const name of await readdir(folder, { recursive: true })) await lchown(join(folder, name), uid, gid);
}

/** A Node that the user can run: this one, or a copy if its folder is closed to others. */
async function nodeFor(asUser, bin) {
  const isOpen = await exec("setpriv", [...asUser, process.execPath, "--version"]).then(
    () => true,
    () => false, // Its folder, or one above, is closed.
  );
  if (isOpen) return process.execPath;
  const copy = join(bin, "node");
  await cp(process.execPath, copy);
  return copy;
}

/** Removes the user, after the processes that a broken-off run has left. */
async function removeUser(name, uid) {
  for (const pid of (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry))) {
    try {
      if ((await stat(`/proc/${pid}`)).uid === uid) process.kill(Number(pid), "SIGKILL");
    } catch {
      // It has ended.
    }
  }
  await exec("userdel", [name]);
}
