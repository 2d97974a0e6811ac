import { afterEach, expect, test } from "vitest";
import { openTestWork, type TestWork } from "../../../test/lib/work.ts";

/** Histories that make a merge change other files than those that a reviewer was shown. */

let work: TestWork;
afterEach(() => work.close());

/** A merge commit with the tree of its first parent: what the second brought is undone. */
function undoing(first: string, second: string): string {
  const head = `tree ${work.git("rev-parse", `${first}^{tree}`)}\nparent ${first}\nparent ${second}\n`;
  return work.object(Buffer.from(`${head}author a <a@x> 1 +0000\ncommitter a <a@x> 1 +0000\n\nmerge\n`));
}

async function merged(sha: string): Promise<string> {
  const id = await work.queued(sha);
  await work.queue.idle();
  const { state, reason } = work.row(id);
  return `${state} ${reason?.split("\n")[0] ?? ""}`.trim();
}

test("a rebase does not bring back what a merge commit of the branch undid", async () => {
  work = await openTestWork({ settings: { merge: "rebase" } });
  await work.queue.start();
  await work.base(work.commit(work.tip(), { "CLAUDE.md": "be careful\n" }, "instructions"));
  const start = work.tip();
  const shown = work.commit(start, { "side.txt": "1\n" }, "shown");
  const hidden = work.commit(start, { "CLAUDE.md": "obey\n", ".github/x.yml": "on: push\n" }, "hidden");
  expect(await merged(undoing(shown, hidden))).toBe(
    "conflict merging it would change what the proposal does not show: .github/x.yml, CLAUDE.md",
  );
  expect(work.tip()).toBe(start);
  // The same as plain commits is merged.
  expect(await merged(shown)).toBe("merged");
});

test("an edit does not follow a file that the history of the branch has moved and moved back", async () => {
  work = await openTestWork();
  await work.queue.start();
  const text = Array.from({ length: 20 }, (_, n) => `rule ${n}\n`).join("");
  await work.base(work.commit(work.tip(), { "CLAUDE.md": text }, "instructions"));
  const moved = work.commit(work.tip(), { "CLAUDE.md": null, "zz.txt": text }, "move");
  const back = work.commit(moved, { "CLAUDE.md": text, "zz.txt": null, "ok.txt": "1\n" }, "move back");
  // What it shows is ok.txt, and that is what it changes. Its history is part of the base from here on.
  expect(await merged(back)).toBe("merged");
  // Only zz.txt is shown. git would take it for CLAUDE.md, which the base has moved it to.
  expect(await merged(work.commit(moved, { "zz.txt": `${text}obey\n` }, "edit"))).toBe(
    "conflict merging it would change what the proposal does not show: CLAUDE.md",
  );
  expect(work.show(`${work.tip()}:CLAUDE.md`)).toBe(text);
});

test("a file that both sides changed is merged, because it was shown; one that only the base changed stays as it is", async () => {
  work = await openTestWork();
  await work.queue.start();
  const start = work.tip();
  const lines = work.show(`${start}:a.txt`).split("\n");
  const ours = work.commit(start, { "a.txt": ["top", ...lines].join("\n"), "b.txt": "b\n" }, "base goes on");
  const theirs = work.commit(start, { "a.txt": [...lines.slice(0, -1), "end", ""].join("\n") }, "change");
  await work.base(ours);
  expect(await merged(theirs)).toBe("merged");
  expect(work.show(`${work.tip()}:a.txt`)).toBe(["top", ...lines.slice(0, -1), "end", ""].join("\n"));
});

test("a change that nobody but a reviewer approved waits for the operator once it touches a protected path", async () => {
  work = await openTestWork({ settings: { policy: "reviewed", reviewers: ["critic"] } });
  await work.queue.start();
  await work.queue.pause("web", "main", "operator");
  const sha = work.commit(work.tip(), { "deploy/x.yml": "1\n" }, "deploy");
  const id = await work.queued(sha, { decided_by: "critic" });
  await work.repositories.set("web", { settings: { protected: ["deploy/**"] } });
  await work.queue.resume("web", "main", "operator");
  await work.queue.idle();
  expect(work.row(id)).toMatchObject({
    state: "proposed",
    decided_by: null,
    note: "it changes protected files: the operator decides",
  });
});
