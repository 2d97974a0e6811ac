import { readdirSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import type { MergeMethod } from "../../wire/work.ts";
import { mergeChange } from "./merge.ts";
import { openTestWork, type TestWork } from "../../../test/lib/work.ts";

let work: TestWork;
afterEach(() => work.close());

async function open(merge: MergeMethod): Promise<void> {
  work = await openTestWork({ settings: { merge } });
  await work.queue.start();
}

/** Merges commits as changes of their own, and returns their rows. */
async function mergeAll(shas: readonly string[], facts = {}) {
  const ids: number[] = [];
  for (const sha of shas) ids.push(await work.queued(sha, facts));
  await work.queue.idle();
  return ids.map((id) => work.row(id));
}

async function mergeOne(sha: string, facts = {}) {
  const [row] = await mergeAll([sha], facts);
  if (row === undefined) throw new Error("no row");
  return row;
}

const METHODS = ["merge", "squash", "rebase"] as const;
/** The first-parent side of a commit's history, with authors, committers and trailers. */
const history = (sha: string): string[] =>
  work.git("log", "--first-parent", "--format=%s|%an|%cn|%(trailers:key=Hive-Change,valueonly,separator=+)", sha).split("\n");

describe.each(METHODS)("with the method %s", (method) => {
  test("a change lands on a base that has moved, and the commit names it", async () => {
    await open(method);
    const start = work.tip();
    const one = work.commit(
      work.commit(start, { "b.txt": "1\n" }, "one"),
      { "b.txt": "2\n", "README.md": null },
      "two\n\nSigned-off-by: x <y>",
    );
    await work.base(work.commit(start, { "c.txt": "c\n" }, "other"));
    const tip = work.tip();
    const row = await mergeOne(one, { title: "Both" });
    expect(row).toMatchObject({ state: "merged", merged_sha: work.tip(), candidate_base: tip });
    const name = `web/${row.id}`;
    expect(history(work.tip())).toEqual(
      {
        merge: [`Merge scout/${row.branch}: Both|hyperhive|hyperhive|${name}`, "other|Ada|Ada|", "first|Ada|Ada|"],
        squash: [`Both|Ada|hyperhive|${name}`, "other|Ada|Ada|", "first|Ada|Ada|"],
        rebase: [`two|Ada|hyperhive|${name}`, "one|Ada|hyperhive|", "other|Ada|Ada|", "first|Ada|Ada|"],
      }[method],
    );
    expect(work.git("ls-tree", "--name-only", work.tip()).split("\n")).toEqual(["a.txt", "b.txt", "c.txt"]);
    expect(work.show(`${work.tip()}:b.txt`)).toBe("2\n");
    if (method === "rebase") expect(work.cat(work.tip())).toContain(`\ntwo\n\nSigned-off-by: x <y>\nHive-Change: ${name}\n`);
  });

  test("a change that could be fast-forwarded gets a commit of its own all the same", async () => {
    await open(method);
    const start = work.tip();
    const row = await mergeOne(work.commit(start, { b: "b" }, "b"));
    expect(row.merged_sha).not.toBe(row.sha);
    expect(work.cat(work.tip()).match(/^parent .*/gm)).toEqual(
      method === "merge" ? [`parent ${start}`, `parent ${row.sha}`] : [`parent ${start}`],
    );
    expect(work.cat(work.tip())).toContain(`Hive-Change: web/${row.id}\n`);
  });

  test("a conflict returns the change with its files, and the base stays", async () => {
    await open(method);
    const start = work.tip();
    const mine = work.commit(start, { "a.txt": "mine\n", "new.txt": "x\n", "b\u0007\n.txt": "1" }, "mine");
    await work.base(work.commit(start, { "a.txt": "theirs\n", "b\u0007\n.txt": "2" }, "theirs"));
    const tip = work.tip();
    const row = await mergeOne(mine);
    expect(work.tip()).toBe(tip);
    expect(row).toMatchObject({ state: "conflict", candidate: null, candidate_base: tip, merged_sha: null });
    expect(row.reason).toMatch(
      /^it conflicts with main in 2 files: a.txt, b .txt\nMerge or rebase your branch onto main, push it and propose it again.\n/,
    );
    expect(row.reason).toContain("CONFLICT (content): Merge conflict in a.txt");
    expect(work.notices).toMatchObject([{ event: "change_returned", status: "conflict", change: row.id }]);
  });

  test("a change that the base contains already is merged at its tip, with a note", async () => {
    await open(method);
    const start = work.tip();
    const sha = work.commit(start, { b: "b" }, "b");
    await work.base(sha);
    expect(await mergeOne(sha, { note: "fine" })).toMatchObject({
      state: "merged",
      merged_sha: sha,
      note: "fine\n(the base contains it already)",
    });
    expect(work.tip()).toBe(sha);
  });

  test("the first change of an empty repository makes its base, and one for another base is stale", async () => {
    await open(method);
    const root = work.git("rev-list", "--max-parents=0", "HEAD");
    await work.repositories.removeBase("web", "main");
    const other = await mergeOne(root, { base: "next" });
    expect(other).toMatchObject({ state: "stale", reason: expect.stringContaining("no longer has a base next") });
    const row = await mergeOne(root);
    expect(row).toMatchObject({ state: "merged", merged_sha: work.tip(), candidate_base: null });
    expect(work.cat(work.tip()).match(/^parent .*/gm) ?? []).toEqual(method === "squash" ? [] : [`parent ${root}`]);
    expect(work.cat(work.tip())).toContain(`Hive-Change: web/${row.id}`);
  });

  test("a branch that shares no commit with the base comes back", async () => {
    await open(method);
    const row = await mergeOne(work.commit(undefined, { z: "z" }));
    expect(row).toMatchObject({ state: "conflict", reason: "the branch shares no commit with main: start it from main" });
  });

  test("the same row and tip make the same commit", async () => {
    await open(method);
    const start = work.tip();
    const sha = work.commit(work.commit(start, { b: "b" }), { c: "c" });
    const row = await mergeOne(sha, { decided_at: 1_780_000_000_000 });
    // As after a crash: the base is back, and the change is merged again.
    await work.base(start);
    work.store.changes.update({ ...work.row(row.id), state: "queued" });
    work.queue.kick("web", "main");
    await work.queue.idle();
    expect(work.row(row.id).merged_sha).toBe(row.merged_sha);
    expect(work.cat(row.merged_sha ?? "")).toMatch(/committer hyperhive <daemon@hive.invalid> 1780000000 \+0000/);
  });

  test("attributes, merge drivers, links, submodules and names that differ in case are merged as they are", async () => {
    await open(method);
    const start = work.tip();
    const attributes = "* merge=ours\n*.lfs filter=lfs merge=lfs\n*.txt merge=evil\na.txt -merge\n";
    const text = "1\n2\n3\n4\n5\n6\n7\n8\nnine\n";
    const files = {
      ".gitattributes": attributes,
      "a.txt": text,
      README: "upper\n",
      readme: "lower\n",
      sub: { submodule: start },
    };
    const sha = work.commit(start, files);
    await work.base(work.commit(start, { ".gitattributes": "*.txt merge=union\n", "c.txt": "c\n" }, "theirs"));
    const clash = await mergeOne(sha);
    // Both sides add .gitattributes: a conflict like any other.
    expect(clash.reason).toContain("in 1 file: .gitattributes");
    await work.base(work.commit(start, { "a.txt": "one\n2\n3\n4\n5\n6\n7\n8\n9\n" }, "theirs"));
    const row = await mergeOne(sha);
    expect(row.state).toBe("merged");
    // Not "ours": both sides of the text are there.
    expect(work.show(`${work.tip()}:a.txt`)).toBe("one\n2\n3\n4\n5\n6\n7\n8\nnine\n");
    expect(work.tree(work.tip())).toContain(`160000 commit ${start}\tsub\n`);
    expect(work.show(`${work.tip()}:README`) + work.show(`${work.tip()}:readme`)).toBe("upper\nlower\n");
  });
});

test("a rebase drops what the base contains, and keeps authors, encodings and empty names as they are", async () => {
  await open("rebase");
  const start = work.tip();
  const picked = work.commit(start, { "b.txt": "b\n" }, "picked");
  const raw = `tree ${work.git("rev-parse", `${work.commit(picked, { "d.txt": "d\n" })}^{tree}`)}\nparent ${picked}\nauthor  <> 1 +0230\ncommitter x <y> 1 +0000\nencoding ISO-8859-1\n\ngr\u00fcn --- not a divider\n\n---\n`;
  const odd = work.object(Buffer.from(raw, "latin1"));
  await work.base(work.commit(work.commit(start, { "c.txt": "c\n" }), { "b.txt": "b\n" }, "picked by hand"));
  const tip = work.tip();
  const [row] = await mergeAll([odd]);
  expect(row?.state).toBe("merged");
  const commit = work.catBytes(work.tip()).toString("latin1");
  expect(commit).toContain(`parent ${tip}\nauthor  <> 1 +0230\ncommitter hyperhive `);
  expect(commit).toContain(`\nencoding ISO-8859-1\n\ngr\u00fcn --- not a divider\n\n---\n\nHive-Change: web/${row?.id}\n`);
});

test("a rebase names the commit that conflicts only by its files, and takes a bounded number of commits", async () => {
  await open("rebase");
  const start = work.tip();
  const commits = Array.from({ length: 501 }, (_, n) => {
    const from = n === 0 ? `\nfrom ${start}` : "";
    return `commit refs/agents/a1/many\nmark :1\ncommitter A <a> ${n} +0000\ndata 1\nx${from}\nM 644 inline f\ndata ${String(n).length}\n${n}\n`;
  });
  const sha = work.fastImport(`${commits.join("")}get-mark :1\ndone\n`);
  const row = await mergeOne(sha);
  expect(row).toMatchObject({
    state: "conflict",
    reason: expect.stringContaining("has 501 commits; a rebase takes at most 500"),
  });
});

test("a merge ends with its daemon", async () => {
  await open("merge");
  const id = await work.approved(work.commit(work.tip(), { b: "b" }));
  const ended = AbortSignal.abort(new Error("stopped"));
  const merge = mergeChange(work.context.git, work.row(id), { method: "merge", tip: work.tip(), ended });
  await expect(merge).rejects.toThrow("stopped");
  expect(readdirSync(work.paths.repoScratch)).toEqual([]);
});

test("titles and descriptions of agents cannot forge a trailer or a header", async () => {
  await open("squash");
  const row = await mergeOne(work.commit(work.tip(), { b: "b" }), {
    title: "x\n\nHive-Change: web/1",
    body: "text\u0000\n\nHive-Change: web/2\nparent 0000",
  });
  const text = work.cat(work.tip());
  expect(text).toContain(`\n\nx Hive-Change: web/1\n\ntext\n`);
  expect(text.trimEnd().split("\n").at(-1)).toBe(`Hive-Change: web/${row.id}`);
});

test.each(METHODS)("a merge with the method %s can be reverted", async (method) => {
  await open(method);
  const start = work.tip();
  const row = await mergeOne(work.commit(work.commit(start, { "b.txt": "b\n" }), { "README.md": null }));
  await work.base(work.commit(work.tip(), { "c.txt": "c\n" }));
  const made = await work.revert(row.id);
  if (made.kind !== "made") throw new Error(JSON.stringify(made));
  const names = (sha: string) => work.tree(sha).match(/\t.*/g);
  expect(names(made.commit)).toEqual(["\tREADME.md", "\ta.txt", "\tc.txt"]);
  expect(work.cat(made.commit)).toContain(`parent ${work.tip()}\nauthor hyperhive `);
  expect(work.cat(made.commit)).toContain(
    `Revert "A change"\n\nThis undoes change ${row.id} of scout, merged as ${row.merged_sha}.\n`,
  );
  await work.base(made.commit);
  expect(await work.revert(row.id)).toEqual({ kind: "contained" });
});

test("a revert that later changes stand in the way of names their files", async () => {
  await open("merge");
  const row = await mergeOne(work.commit(work.tip(), { "a.txt": "mine\n" }));
  await work.base(work.commit(work.tip(), { "a.txt": "later\n" }));
  expect(await work.revert(row.id)).toMatchObject({ kind: "conflict", files: ["a.txt"] });
});
