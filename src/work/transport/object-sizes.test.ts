import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agentWith, openWorkGit, runIn, type WorkGit } from "../../../test/lib/work-git.ts";
import { checkSizes } from "./object-sizes.ts";

const MIB = 1024 * 1024;
const SHA = "1".repeat(40);

let work: WorkGit;
beforeAll(async () => {
  work = await openWorkGit([agentWith("scout", { web: "write" })]);
  await work.repositories.create("web", {});
  await work.seed("web", "main", { "README.md": "hello\n" });
});
afterAll(() => work.close());

/** Pushes a commit whose message, file or folder has at least this many bytes, all of which pack to little. */
async function pushed(name: string, sizes: { message?: number; file?: number; folder?: number }): ReturnType<typeof runIn> {
  const top = join(work.top, name);
  mkdirSync(top);
  const git = async (...argv: string[]): Promise<string> => {
    const end = await runIn(top, "git", argv);
    expect(end, argv.join(" ")).toMatchObject({ code: 0 });
    return end.out.trim();
  };
  await git("init", "-q");
  const store = async (type: string, bytes: Buffer): Promise<string> => {
    writeFileSync(join(top, "object"), bytes);
    return git("hash-object", "-w", "-t", type, "object");
  };
  const blob = Buffer.from(await store("blob", Buffer.alloc(sizes.file ?? 1, "x")), "hex");
  const entry = (n: number): Buffer => Buffer.concat([Buffer.from(`100644 ${String(n).padStart(250, "0")}\0`), blob]);
  const tree = await store(
    "tree",
    Buffer.concat(Array.from({ length: 1 + (sizes.folder ?? 0) / entry(0).length }, (_, n) => entry(n))),
  );
  const who = "scout <scout@hive.invalid> 1700000000 +0000";
  const head = `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\n`;
  const commit = await store("commit", Buffer.concat([Buffer.from(head), Buffer.alloc(sizes.message ?? 1, "x")]));
  return runIn(top, "git", ["push", "-q", work.url("scout", "web"), `${commit}:refs/heads/${name}`]);
}

test("a small pack with a commit or a folder of 32 MiB is refused, and nothing of it is stored", async () => {
  const [commit, folder] = [await pushed("commit", { message: 32 * MIB }), await pushed("folder", { folder: 32 * MIB })];
  expect(commit.code).toBe(1);
  expect(commit.err).toMatch(/the commit [0-9a-f]{12} has 33 MiB unpacked, and a commit has at most 32: make it smaller/);
  expect(folder.err).toMatch(/the tree [0-9a-f]{12} has 33 MiB unpacked/);
  expect(work.store.repositories.branches("web")).toEqual([]);
  expect(work.unexpected).toEqual([]);
  expect(await pushed("file", { file: 33 * MIB, message: 11 * MIB })).toMatchObject({ code: 0 });
});

test.each([
  ["commit", 32],
  ["tree", 32],
  ["tag", 32],
  ["blob", 512],
])("a %s has at most %i MiB", (type, most) => {
  const line = (bytes: number): string => `${type} 12 ${SHA}\n${type} ${bytes} ${SHA}\n`;
  expect(() => checkSizes(line(most * MIB))).not.toThrow();
  expect(() => checkSizes(line(most * MIB + 1))).toThrow(`has at most ${most}: make it smaller`);
});

test.each([`${SHA} missing`, "unreadable missing", "failed"])("the line %s is a failure", (line) => {
  expect(() => checkSizes(`${line}\n`)).toThrow("listing the sizes");
});
