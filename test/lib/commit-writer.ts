import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";

type Files = ReadonlyMap<string, string>;

/**
 * The files of each commit that was written, by path, with their blobs. A repository that has the commit has them as well,
 * so one that was written into a server can be the parent of one in the hive.
 */
const known = new Map<string, Files>();
/** Commits that are remembered. The tests of a file write some hundred. */
const MAX_KNOWN = 2_000;

/** Commits that tests write into the objects of a repository without a process: starting git costs a large worker most. */
export function commitWriter(bare: string) {
  const put = (kind: string, body: Buffer): string => {
    const bytes = Buffer.concat([Buffer.from(`${kind} ${body.length}\0`), body]);
    const sha = createHash("sha1").update(bytes).digest("hex");
    const folder = join(bare, "objects", sha.slice(0, 2));
    const file = join(folder, sha.slice(2));
    if (existsSync(file)) return sha;
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${file}.new`, deflateSync(bytes), { mode: 0o444 });
    renameSync(`${file}.new`, file);
    return sha;
  };

  const tree = (files: Files): string => {
    const entries = new Map<string, { mode: string; sha: string; order: Buffer }>();
    const folders = new Map<string, Map<string, string>>();
    for (const [path, sha] of files) {
      const [name = "", ...rest] = path.split("/");
      if (rest.length === 0) entries.set(name, { mode: "100644", sha, order: Buffer.from(name) });
      else folders.set(name, (folders.get(name) ?? new Map<string, string>()).set(rest.join("/"), sha));
    }
    // Git sorts a folder as if its name ended in a slash.
    for (const [name, inside] of folders) entries.set(name, { mode: "40000", sha: tree(inside), order: Buffer.from(`${name}/`) });
    const sorted = [...entries].sort(([, a], [, b]) => Buffer.compare(a.order, b.order));
    const lines = sorted.map(([name, { mode, sha }]) =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(sha, "hex")]),
    );
    return put("tree", Buffer.concat(lines));
  };

  return {
    /**
     * Writes a commit of these files on a parent; null removes a file. Undefined if only git can: its parent was not
     * written so, or one of the files is none, or takes the place of a folder.
     */
    write(
      parent: string | undefined,
      changed: Record<string, string | null | object>,
      { who, message }: { who: string; message: string },
    ): string | undefined {
      const before = parent === undefined ? new Map<string, string>() : known.get(parent);
      if (before === undefined) return undefined;
      const files = new Map(before);
      for (const [path, text] of Object.entries(changed)) {
        if (text === null) files.delete(path);
        else if (typeof text === "string") files.set(path, put("blob", Buffer.from(text)));
        else return undefined;
      }
      const names = [...files.keys()];
      if (names.some((name) => /^\/|\/$|\/\/|\0/.test(name) || names.some((other) => other.startsWith(`${name}/`))))
        return undefined;
      const lines = [
        `tree ${tree(files)}`,
        ...(parent === undefined ? [] : [`parent ${parent}`]),
        `author ${who}`,
        `committer ${who}`,
      ];
      const sha = put("commit", Buffer.from(`${lines.join("\n")}\n\n${message}`));
      if (known.size >= MAX_KNOWN) known.clear();
      known.set(sha, files);
      return sha;
    },
  };
}
