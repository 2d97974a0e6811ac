import { afterEach, expect, test } from "vitest";
import { openTestWork, type TestWork } from "../../../test/lib/work.ts";

let work: TestWork;
afterEach(() => work.close());

test("changes are merged one after the other, each with a commit that names it", async () => {
  work = await openTestWork();
  await work.queue.start();
  const first = work.tip();
  const one = work.commit(first, { "b.txt": "b\n" }, "add b");
  const two = work.commit(first, { "c.txt": "c\n" }, "add c");
  const ids = [await work.queued(one, { title: "Add b", body: "Because." }), await work.queued(two)];
  await work.queue.idle();
  expect(ids.map((id) => work.row(id).state)).toEqual(["merged", "merged"]);
  const [a, b] = ids.map((id) => work.row(id).merged_sha ?? "");
  expect(work.tip()).toBe(b);
  expect(work.cat(a ?? "")).toContain(`parent ${first}\nparent ${one}\n`);
  expect(work.cat(b ?? "")).toContain(`parent ${a}\nparent ${two}\n`);
  expect(work.cat(a ?? "")).toContain("\ncommitter hyperhive <daemon@hive.invalid> ");
  expect(work.cat(a ?? "")).toContain(
    `\n\nMerge scout/topic-${one.slice(0, 6)}: Add b\n\nBecause.\n\nHive-Change: web/${ids[0]}\n`,
  );
  expect(work.tree(work.tip())).toMatch(/README.md[^]*a.txt[^]*b.txt[^]*c.txt/);
  expect(work.unexpected).toEqual([]);
});
