import { spawn } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { once } from "node:events";
import { runIn } from "../../test/lib/work-git.ts";

/** A file of the large repository. Bytes. */
const FILE_BYTES = 64 * 1024;
const MIB = 1024 * 1024;

/** Runs git as a user does. Returns what it prints, or throws with its complaint. */
export async function git(folder: string, ...argv: string[]): Promise<string> {
  const { code, out, err } = await runIn(folder, "git", argv);
  if (code !== 0) throw new Error(`git ${argv.join(" ")}: ${err}`);
  return out.trim();
}

/** Commits files on a branch without a work tree. Returns the commit. */
export async function commitFiles(
  folder: string,
  at: { branch: string; from: string; message: string },
  files: Iterable<readonly [path: string, content: Buffer]>,
): Promise<string> {
  await importCommits(folder, [{ ...at, files }]);
  return git(folder, "rev-parse", `refs/heads/${at.branch}`);
}

/**
 * Makes a bare repository with a base `main` of random bytes: each commit replaces all files, so that the repository is
 * `commits` checkouts large. Nothing of it can be compressed.
 */
export async function makeRepository(folder: string, { commits, checkoutMib }: { commits: number; checkoutMib: number }) {
  await git("/", "init", "-q", "--bare", "-b", "main", folder);
  const count = (checkoutMib * MIB) / FILE_BYTES;
  function* files(): Generator<readonly [string, Buffer]> {
    for (let nth = 0; nth < count; nth++) yield [`d${nth % 64}/f${nth}`, randomFillSync(Buffer.allocUnsafe(FILE_BYTES))];
  }
  const history = Array.from({ length: commits }, (_, nth) => ({ branch: "main", message: `commit ${nth}`, files: files() }));
  await importCommits(folder, history);
}

interface Imported {
  branch: string;
  /** The parent. Without it the commit follows the branch's last one of this import. */
  from?: string;
  message: string;
  files: Iterable<readonly [path: string, content: Buffer]>;
}

async function importCommits(folder: string, commits: readonly Imported[]): Promise<void> {
  const child = spawn("git", ["-c", "pack.compression=0", "-c", "core.compression=0", "fast-import", "--quiet", "--force"], {
    cwd: folder,
    stdio: ["pipe", "ignore", "inherit"],
  });
  const ended = once(child, "exit");
  const write = async (...parts: (string | Buffer)[]): Promise<void> => {
    for (const part of parts) if (!child.stdin.write(part)) await once(child.stdin, "drain");
  };
  for (const { branch, from, message, files } of commits) {
    await write(`commit refs/heads/${branch}\ncommitter bench <bench@hive.invalid> 1700000000 +0000\n`);
    await write(`data ${Buffer.byteLength(message)}\n${message}\n`, from === undefined ? "" : `from ${from}\n`);
    for (const [path, content] of files) await write(`M 100644 inline ${path}\ndata ${content.length}\n`, content, "\n");
    await write("\n");
  }
  child.stdin.end();
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
}
