import { spawn } from "node:child_process";
import { lstatSync } from "node:fs";
import { dirname } from "node:path";

/** Attempts of another user of this machine. Root becomes that user; for a plain user, who cannot, the modes are read. */

/** An id that no user has. */
export const STRANGER = 987_654;
const AS_ROOT = process.getuid?.() === 0;

/** What is tried with a path. `connect` is for sockets, `enter` for folders. */
export type Attempt = "read" | "write" | "list" | "connect";

/** In Perl, which every Debian has where every user can run it. */
const PROGRAMS: Record<Attempt, string> = {
  read: 'open(my $f, "<", $p) or die "$!\\n"; sysread($f, my $t, 64); print "read"',
  write: 'open(my $f, ">>", $p) or die "$!\\n"; print "opened for writing"',
  list: 'opendir(my $d, $p) or die "$!\\n"; print join(" ", readdir $d)',
  connect:
    'use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die "$!\\n"; connect($s, sockaddr_un($p)) or die "$!\\n"; print "connected"',
};

/** Tries this as a user. Resolves with what was reached, rejects with the kernel's words. */
export async function attemptAs(uid: number, attempt: Attempt, path: string): Promise<string> {
  if (AS_ROOT) return runAs(uid, "perl", ["-e", `my $p = shift; ${PROGRAMS[attempt]}`, path]);
  const closed = closedTo(attempt, path);
  if (closed !== undefined) throw new Error(`Permission denied (${closed})`);
  return `the modes allow it: ${attempt} ${path}`;
}

/** Runs a program as a user with no other group. Resolves with its output, rejects with its last words. */
export function runAs(uid: number, program: string, argv: readonly string[]): Promise<string> {
  const as = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--no-new-privs", "--", program];
  const env = { PATH: process.env["PATH"] ?? "", LC_ALL: "C" };
  const child = spawn("setpriv", [...as, ...argv], { env, cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve(out.trim()) : reject(new Error(err.trim() || `exit ${code}`))));
  });
}

/** The part of a path whose mode keeps every other user out. */
function closedTo(attempt: Attempt, path: string): string | undefined {
  const bits = { read: 0o4, list: 0o4, write: 0o2, connect: 0o2 }[attempt];
  if ((lstatSync(path).mode & bits) === 0) return path;
  for (let folder = dirname(path); folder !== "/"; folder = dirname(folder))
    if ((lstatSync(folder).mode & 0o1) === 0) return folder;
  return undefined;
}
