import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import type { Sha, TreeFile } from "../wire/approval.ts";
import type { CommitFacts, TagFacts } from "./types.ts";

/** The four kinds of git objects, by their numbers in a pack. */
const KINDS = { commit: 1, tree: 2, blob: 3, tag: 4 } as const;

/** An object as git stores it. The same facts give the same bytes, so a repeated step creates nothing new. */
export interface GitObject {
  kind: keyof typeof KINDS;
  body: Buffer;
  sha: Sha;
}

/** The committer and tagger: the daemon. The author of a commit is the principal that requested it. */
const DAEMON = "hyperhive <daemon@hive.invalid>";
const SHA_BYTES = 20;

function object(kind: GitObject["kind"], body: Buffer): GitObject {
  const sha = createHash("sha1").update(`${kind} ${body.length}\0`).update(body).digest("hex");
  return { kind, body, sha };
}

/** The objects of a tree of files, with the root tree last. The caller has checked the paths. */
export function treeObjects(files: readonly TreeFile[]): GitObject[] {
  interface Folder {
    files: Map<string, { mode: string; blob: GitObject }>;
    folders: Map<string, Folder>;
  }
  const empty = (): Folder => ({ files: new Map(), folders: new Map() });
  const root = empty();
  for (const file of files) {
    const names = file.path.split("/");
    const name = names.pop() ?? "";
    let folder = root;
    for (const part of names) {
      const next = folder.folders.get(part) ?? empty();
      folder.folders.set(part, next);
      folder = next;
    }
    folder.files.set(name, { mode: file.mode, blob: object("blob", Buffer.from(file.base64, "base64")) });
  }

  const made: GitObject[] = [];
  const make = (folder: Folder): GitObject => {
    const entries: { order: Buffer; bytes: Buffer }[] = [];
    const add = (name: string, mode: string, named: GitObject, order: string): void => {
      entries.push({
        order: Buffer.from(order),
        bytes: Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(named.sha, "hex")]),
      });
    };
    for (const [name, { mode, blob }] of folder.files) {
      made.push(blob);
      add(name, mode, blob, name);
    }
    // Git sorts a folder as if its name ended in a slash.
    for (const [name, inner] of folder.folders) add(name, "40000", make(inner), `${name}/`);
    entries.sort((a, b) => Buffer.compare(a.order, b.order));
    const tree = object("tree", Buffer.concat(entries.map(({ bytes }) => bytes)));
    made.push(tree);
    return tree;
  };
  make(root);
  return made;
}

/** A commit of a tree. */
export function commitObject(tree: Sha, parents: readonly Sha[], facts: CommitFacts): GitObject {
  const when = `${seconds(facts.at)} +0000`;
  const author = facts.author.replaceAll(/[<>\s\0]+/g, " ").trim() || "unknown";
  const lines = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${author} <${author.replaceAll(" ", ".")}@hive.invalid> ${when}`,
    `committer ${DAEMON} ${when}`,
    "",
    text(facts.message),
  ];
  return object("commit", Buffer.from(lines.join("\n")));
}

/** An annotated tag of a commit. */
export function tagObject(facts: TagFacts & { message: string }): GitObject {
  const lines = [
    `object ${facts.sha}`,
    "type commit",
    `tag ${facts.name}`,
    `tagger ${DAEMON} ${seconds(facts.at)} +0000`,
    "",
    text(facts.message),
  ];
  return object("tag", Buffer.from(lines.join("\n")));
}

/** Several objects as one pack, so that one process stores them all. */
export function packOf(objects: readonly GitObject[]): Buffer {
  const unique = [...new Map(objects.map((one) => [one.sha, one])).values()];
  const header = Buffer.alloc(12);
  header.write("PACK");
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(unique.length, 8);
  const parts = [header, ...unique.flatMap((one) => [packedHead(KINDS[one.kind], one.body.length), deflateSync(one.body)])];
  const bytes = Buffer.concat(parts);
  return Buffer.concat([bytes, createHash("sha1").update(bytes).digest()]);
}

/** Kind and size in git's variable-length form: 3 bits of kind and 4 of size, then 7 bits of size per byte. */
function packedHead(kind: number, size: number): Buffer {
  const bytes: number[] = [];
  let byte = (kind << 4) | (size & 15);
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push(byte | 128);
    byte = rest & 127;
  }
  bytes.push(byte);
  return Buffer.from(bytes);
}

/** The tree and parents of a commit, from its bytes. */
export function parseCommit(body: Buffer): { tree: Sha; parents: Sha[] } {
  const head = body.toString("latin1").split("\n\n", 1)[0] ?? "";
  const lines = head.split("\n");
  const tree = lines[0]?.startsWith("tree ") === true ? lines[0].slice(5) : "";
  const parents: Sha[] = [];
  for (const line of lines.slice(1)) {
    if (!line.startsWith("parent ")) break;
    parents.push(line.slice(7));
  }
  if (tree.length !== SHA_BYTES * 2) throw new Error("a commit without a tree");
  return { tree, parents };
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}

/** Text of git objects contains no NUL and ends in a newline. */
function text(words: string): string {
  return `${words.replaceAll("\0", "\u2400").trimEnd()}\n`;
}
