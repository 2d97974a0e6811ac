import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openTestWork } from "../../../test/lib/work.ts";

/** What a change does to the start, or to an earlier change that it builds on. */
const Edit = fc.record({
  file: fc.constantFrom("a.txt", "README.md", "dir/b.txt"),
  act: fc.oneof(
    fc.record({ line: fc.nat(8) }),
    fc.record({ add: fc.constantFrom("x.txt", "dir/y.txt", "dir") }),
    fc.record({ rename: fc.constantFrom("z.txt", "dir/z.txt") }),
    fc.constant({ remove: true as const }),
  ),
  /** The change that it builds on, counted back. */
  after: fc.option(fc.nat(3), { nil: undefined }),
});

const LINES = Array.from({ length: 9 }, (_, n) => `line ${n}`);
const text = (file: string, changed?: number, by = 0): string =>
  LINES.map((line, n) => `${file} ${n === changed ? `changed by ${by}` : line}\n`).join("");

const env = { PATH: process.env["PATH"], HOME: "/nonexistent", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };

/** The tree that `git merge --no-ff` makes of the commits, in their order, in a plain clone. */
function plainTree(bare: string, start: string, shas: readonly string[]): string {
  const clone = mkdtempSync(join(tmpdir(), "plain-"));
  const git = (...argv: string[]): string =>
    execFileSync("git", ["-C", clone, "-c", "user.name=a", "-c", "user.email=a@b", ...argv], { env, encoding: "utf8" }).trim();
  try {
    git("init", "-q");
    git("fetch", "-q", bare, "refs/*:refs/all/*");
    git("checkout", "-q", "--detach", start);
    for (const sha of shas) git("merge", "-q", "--no-ff", "-m", "merge", sha);
    return git("rev-parse", "HEAD^{tree}");
  } finally {
    rmSync(clone, { recursive: true, force: true });
  }
}

test("whatever ten changes do, each is merged or returned, and the base is what git merges of those that are", async () => {
  const ends = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(Edit, { minLength: 10, maxLength: 10 }), async (edits) => {
      const work = await openTestWork();
      try {
        const start = work.commit(work.tip(), {
          "a.txt": text("a.txt"),
          "README.md": text("README.md"),
          "dir/b.txt": text("dir/b.txt"),
        });
        await work.base(start);
        await work.queue.start();
        const shas: string[] = [];
        const ids: number[] = [];
        for (const [n, { file, act, after }] of edits.entries()) {
          const parent = after === undefined ? start : (shas[shas.length - 1 - after] ?? start);
          const files: Record<string, string | null> =
            "line" in act
              ? { [file]: text(file, act.line, n) }
              : "add" in act
                ? { ...(act.add === "dir" ? { "dir/b.txt": null } : {}), [act.add]: `${n}\n` }
                : "rename" in act
                  ? { [file]: null, [act.rename]: text(file, 4, n) }
                  : { [file]: null };
          shas.push(work.commit(parent, files));
          ids.push(await work.queued(shas.at(-1) ?? ""));
        }
        await work.queue.idle();
        const rows = ids.map((id) => work.row(id));
        for (const { state } of rows) {
          expect(["merged", "conflict"]).toContain(state);
          ends.add(state);
        }
        const order = work.audit("change_merged").map(({ detail }) => (JSON.parse(detail ?? "{}") as { change: number }).change);
        const merged = order.toReversed().map((id) => work.row(id).sha);
        expect(plainTree(work.bare, start, merged)).toBe(work.git("rev-parse", "main^{tree}"));
        expect(work.unexpected).toEqual([]);
      } finally {
        await work.close();
      }
    }),
    { numRuns: 3, seed: 17 },
  );
  // Both ends have been seen.
  expect(ends).toEqual(new Set(["merged", "conflict"]));
});
