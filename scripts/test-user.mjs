// `npm run test:user`: every test as an ordinary user. Started by root, it makes a copy of this checkout that belongs
// to an unused uid, and drops all privileges. Started by a user, it is `npm test`. Arguments go to vitest.
import { chown, lchown, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./build.mjs";
import { copyCheckout } from "./checkout.mjs";
import { ROOT, exec, foreground, step } from "./lib.mjs";
import { runScript, setUp } from "./setup.mjs";

/** Above the ids of people and services, and below those of cages. */
const UID = 61_234;

await runScript(async () => {
  if (!(await setUp({ forTests: true }))) return;
  await build();
  if (process.getuid() !== 0) {
    process.exitCode = await foreground(process.execPath, [join(ROOT, "scripts", "test.mjs"), ...process.argv.slice(2)]);
    return;
  }
  // Not below this checkout: its parents may be closed to other users.
  const top = await mkdtemp(join(tmpdir(), "user-"));
  try {
    const [checkout, home, temporary] = ["checkout", "home", "tmp"].map((name) => join(top, name));
    for (const folder of [checkout, home, temporary]) await mkdir(folder);
    await step("copying the checkout for a plain user", async () => {
      await copyCheckout(checkout);
      for (const name of ["node_modules", "dist"])
        await exec("cp", ["-a", "--reflink=auto", join(ROOT, name), join(checkout, name)]);
      await giveAll(top);
    });
    const argv = [
      "--reuid",
      String(UID),
      "--regid",
      String(UID),
      "--clear-groups",
      "--bounding-set",
      "-all",
      "--inh-caps",
      "-all",
    ];
    const test = [process.execPath, join(checkout, "scripts", "test.mjs"), ...process.argv.slice(2)];
    process.exitCode = await foreground("setpriv", [...argv, ...test], {
      cwd: checkout,
      env: { ...process.env, HOME: home, TMPDIR: temporary, USER: "hive-test", LOGNAME: "hive-test" },
    });
  } finally {
    await rm(top, { recursive: true, force: true });
  }
});

async function giveAll(folder) {
  await chown(folder, UID, UID);
  for (const name of await readdir(folder, { recursive: true })) await lchown(join(folder, name), UID, UID);
}
