// The Node that everything runs on. If the machine's Node is older than the floor, set-up installs one from npm into
// the checkout, and the script runs itself again on it.
import { copyFile, mkdir, realpath } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { ROOT, exec, foreground, readStamp } from "./lib.mjs";

/** The oldest Node that the hive runs on: the oldest line that better-sqlite3 13 supports and that ends after 2027. */
export const FLOOR = 24;
/** The oldest Node that set-up itself runs on. */
export const SETUP_FLOOR = 20;

const SOURCE = join(ROOT, "scripts", "node");
const PLACE = join(ROOT, ".cache", "node");
const BIN = join(PLACE, "node_modules", `node-linux-${process.arch}`, "bin");
const NODE = join(BIN, "node");
const LOCK = "package-lock.json";

/** The major version of the Node that runs this script. */
export const major = Number(process.versions.node.split(".")[0]);
export const isOnFloor = major >= FLOOR;

/** True if the checkout has the Node that `scripts/node` specifies. */
export async function hasOwnNode() {
  const [wanted, installed] = await Promise.all([readStamp(join(SOURCE, LOCK)), readStamp(join(PLACE, LOCK))]);
  return wanted === installed;
}

/** Installs the Node that `scripts/node` specifies. Fails if it does not run here. */
export async function installOwnNode() {
  await mkdir(PLACE, { recursive: true });
  await copyFile(join(SOURCE, "package.json"), join(PLACE, "package.json"));
  // `npm ci` checks the package against the hash in the lock file.
  await copyFile(join(SOURCE, LOCK), join(PLACE, LOCK));
  try {
    await exec("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: PLACE });
    await exec(NODE, ["--version"]);
  } catch (error) {
    // Without this the next start would take the installation for complete.
    await copyFile("/dev/null", join(PLACE, LOCK));
    const words = `Node ${FLOOR} could not be installed from npm: install Node ${FLOOR} or newer, then try again`;
    throw new Error(`${words}.\n${error.message}`, { cause: error });
  }
}

/** Runs this script again on the checkout's Node. Resolves with its exit code. */
export function runAgain() {
  return foreground(NODE, process.argv.slice(1), {
    cwd: process.cwd(),
    env: { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ""}` },
  });
}

/** The Node that the programs in `dist` start: the path of the checkout's own if that runs this script, else its name. */
export async function nodeForPrograms() {
  // A checkout without its own Node runs on the machine's.
  const own = await realpath(NODE).catch(() => undefined);
  const running = await realpath(process.execPath);
  return running === own ? NODE : "node";
}
