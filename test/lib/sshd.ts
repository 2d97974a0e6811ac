import { existsSync, globSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where set-up unpacks Debian's package. */
const UNPACKED = join(import.meta.dirname, "../../.cache/sshd");

/** The user that is logged in, under the id of the one that runs the tests. */
export const USER = "git";

/** How an sshd is started that serves the connection on its standard input. */
interface Start {
  argv: [string, ...string[]];
  env: NodeJS.ProcessEnv;
}

/**
 * OpenSSH's server, of the checkout or of the machine, started through bwrap. Nothing of the machine is changed, and none
 * of its accounts is used: in a mount namespace sshd sees only the two users of its own. `folder` gets the list of them,
 * and is the home of the one.
 */
export function sshd(folder: string, options: Record<string, string>): Start {
  const root = existsSync(UNPACKED) ? UNPACKED : "/";
  const given = { ...options, ...helpersIn(root) };
  const words = Object.entries(given).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  const libraries = globSync([`${UNPACKED}/lib/*-linux-*`, `${UNPACKED}/usr/lib/*-linux-*`]);
  return {
    argv: [...withUsers(folder), "--", programIn(root), "-i", "-f", "/dev/null", ...words],
    env: { ...process.env, LD_LIBRARY_PATH: libraries.join(":") || undefined },
  };
}

function programIn(root: string): string {
  const folders = [join(root, "usr/sbin"), ...(root === "/" ? (process.env["PATH"] ?? "").split(":") : [])];
  const found = folders.map((one) => join(one, "sshd")).find((file) => existsSync(file));
  if (found === undefined) throw new Error("there is no sshd: run `npm test`, which brings it, or install OpenSSH's server");
  return found;
}

/** The helpers of OpenSSH 9.8 and newer, which an unpacked sshd would look for in the machine's folders. */
function helpersIn(root: string): Record<string, string> {
  if (root === "/") return {};
  const helpers = { SshdSessionPath: "sshd-session", SshdAuthPath: "sshd-auth" };
  const paths = Object.entries(helpers).map(([key, name]) => [key, join(root, "usr/lib/openssh", name)] as const);
  return Object.fromEntries(paths.filter(([, path]) => existsSync(path)));
}

/** The machine as it is, with other users, and with the empty folder in which sshd confines itself before a log-in. */
function withUsers(folder: string): [string, ...string[]] {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  // A password that never matches: sshd refuses an account that is locked, whatever key it shows.
  const users = [`${USER}:*:${uid}:${gid}::${folder}:/bin/sh`, "sshd:x:65534:65534::/run/sshd:/usr/sbin/nologin"];
  const file = join(folder, "passwd");
  writeFileSync(file, `${users.join("\n")}\n`);
  const rights = uid === 0 ? ["--cap-add", "ALL"] : [];
  return ["bwrap", ...rights, "--dev-bind", "/", "/", "--tmpfs", "/run", "--dir", "/run/sshd", "--ro-bind", file, "/etc/passwd"];
}
