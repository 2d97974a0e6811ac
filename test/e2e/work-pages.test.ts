import type { Browser } from "playwright-core";
import { expect, test } from "vitest";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openPage } from "../lib/fixture-page.ts";
import { aChange, aComment, aDivergence, anAgent, ago, BASE, DIGEST, diffFiles, SHA } from "../lib/fixtures.ts";
import { layoutFaults, sidewaysScrollers, smallTargets } from "../lib/page-layout.ts";
import { openCall, sized, usePages } from "../lib/pages.ts";
import { workHive } from "../lib/work-hive.ts";

/** The pages of repositories and changes over made-up answers: what they show, and what their actions send. */

let browser: Browser;
let hive: FixtureHive;
usePages(workHive, (theBrowser, theHive) => {
  browser = theBrowser;
  hive = theHive;
});

test("a change is commented on by keyboard, sent back as one message, and approved with what was shown", async () => {
  hive.answers.change_comment = ({ change, text, path, line, side, quote }) => ({
    comment: aComment({ id: 50, change, text, path, line, side, quote, state: "draft" }),
  });
  hive.answers.change_return = () => ({ change: aChange({ state: "changes_requested", seq: 3000, round: 2 }) });
  hive.answers.change_approve = () => ({ change: aChange({ state: "approved", seq: 3002, round: 3 }) });
  const { page, problems } = await openPage(browser, hive);
  // From the card that waits.
  const card = await openCall(page, "change 12: web #12 of scout");
  await card.getByText("CI file").waitFor();
  await card.getByText("check passed").waitFor();
  await card.getByRole("link", { name: "review the change" }).click();
  // Comments stand under their lines with their answers; an outdated one says so and quotes its line.
  await page.getByText("it keeps the index").waitFor();
  await page.getByText("check passed on a merge onto main at 77c0de9").waitFor();
  const outdated = page.getByRole("article", { name: "comment of operator crawler.mjs line 3" });
  await outdated.getByText("outdated, round 1").waitFor();
  await outdated.getByText('import { z } from "zod";').waitFor();
  // The third line is the second removed one.
  await page.keyboard.press("n");
  await page.keyboard.press("n");
  await page.keyboard.press("n");
  await page.keyboard.press("c");
  await page.keyboard.type("Why is it removed? j and a are letters here");
  await page.keyboard.press("Enter");
  await page
    .getByRole("article", { name: "comment of operator agent.json removed line 5" })
    .getByText("draft, not sent")
    .waitFor();
  // The focus is at the line again.
  await page.locator('[data-place="old:5"]:focus').waitFor();
  expect(hive.called("change_comment")).toEqual([
    {
      change: 12,
      path: "agent.json",
      line: 5,
      side: "old",
      quote: '  "extraMcpServers": {},',
      text: "Why is it removed? j and a are letters here",
    },
  ]);
  await page.keyboard.press("r");
  await page.keyboard.type("see the lines");
  await page.getByRole("button", { name: "send 2 comments" }).click();
  await page.getByText("scout is asked to change web #12").waitFor();
  expect(hive.called("change_return")).toEqual([{ change: 12, note: "see the lines" }]);
  expect(await page.locator("button.approve").count()).toBe(0);

  // The next round arrives. What was read cannot be approved any more: the page fetches the new diff first.
  const next = aChange({ seq: 3001, round: 3, sha: "e".repeat(40), digest: "a".repeat(64) });
  let answer = (): void => {};
  const isAnswered = new Promise<void>((resolve) => (answer = resolve));
  hive.answers.change = () => isAnswered.then(() => ({ change: next, files: diffFiles(), comments: [aComment({ id: 50 })] }));
  hive.tell({ kind: "change", seq: 3001, change: next });
  await page.getByText("The change has another commit since this was read.").waitFor();
  expect(await page.locator("button.approve").count()).toBe(0);
  answer();
  await page.getByRole("button", { name: /approve\s+eeeeeee/ }).waitFor();
  await page.keyboard.press("a");
  await page.keyboard.press("Enter");
  await expect.poll(() => hive.called("change_approve")).toEqual([{ change: 12, sha: "e".repeat(40), digest: "a".repeat(64) }]);
  await page.getByRole("list", { name: "change 12: approved" }).waitFor();
  expect(problems).toEqual([]);
});

test("a card approves what it shows whole, asks about comments that are not sent, and counts down to a merge", async () => {
  const comments = { draft: 2, open: 0, resolved: 0 };
  const vetoable = aChange({
    id: 19,
    state: "approved",
    title: "Sort the index",
    decided_by: "forge-keeper",
    merges_at: new Date(Date.now() + 20 * 60_000).toISOString(),
  });
  hive.state.changes = [aChange({ comments }), vetoable];
  hive.answers.change_approve = ({ change }) => ({ change: aChange({ id: change, seq: 3002, state: "queued" }) });
  hive.answers.change_deny = ({ change }) => ({ change: aChange({ id: change, seq: 3003, state: "denied" }) });
  hive.answers.change_return = () => ({ change: aChange({ seq: 3002, state: "changes_requested" }) });
  const { page, problems } = await openPage(browser, hive, "/?tab=call", { ...sized(390), hasTouch: true });
  const card = await openCall(page, "change 12: web #12 of scout");
  await card.getByText('"export.arxiv.org"').waitFor();
  await card.getByRole("button", { name: /approve\s+1bfaf24/ }).click();
  const asked = card.getByRole("group", { name: "comments that are not sent" });
  await asked.getByText("2 comments are not sent:").waitFor();
  expect(hive.called("change_approve")).toEqual([]);
  const faults = async (): Promise<string[]> => [
    ...(await layoutFaults(page)),
    ...(await smallTargets(page)),
    ...(await sidewaysScrollers(page)),
  ];
  expect(await faults()).toEqual([]);
  // Another commit with the same lines: it is read again, and the question was about the one before.
  const next = aChange({ seq: 3001, round: 2, sha: "e".repeat(40), comments });
  const moved = { path: "run.sh", old_path: "notes.sh", status: "renamed" as const, old_mode: "100644", new_mode: "100755" };
  hive.answers.change = () => ({ change: next, files: diffFiles([{ ...moved, added: 0, patch: "" }]).slice(-1), comments: [] });
  hive.tell({ kind: "change", seq: 3001, change: next });
  await card.getByText("run.sh · renamed · was notes.sh · mode 100644 → 100755 · may be run").waitFor();
  expect(await asked.count()).toBe(0);
  await card.getByRole("button", { name: /approve\s+eeeeeee/ }).click();
  await asked.getByRole("button", { name: "send them…" }).click();
  await card.getByRole("button", { name: "send 2 comments" }).waitFor();
  await card.getByRole("button", { name: "back" }).click();
  await card.getByRole("button", { name: /approve\s+eeeeeee/ }).click();
  await asked.getByRole("button", { name: "approve without" }).click();
  await expect.poll(() => hive.called("change_approve")).toEqual([{ change: 12, sha: next.sha, digest: DIGEST }]);
  expect(hive.called("change_return")).toEqual([]);

  // A reviewer has approved the other one. It is stopped with a note.
  const other = await openCall(page, "change 19: web #19 of scout");
  await other.getByText(/forge-keeper has approved it: merges at \d\d:\d\d unless you veto, in (?:20|19)m/).waitFor();
  await other.getByRole("button", { name: "veto…" }).click();
  await other.getByRole("textbox", { name: "note on change 19" }).fill("not by bytes");
  await other.getByRole("button", { name: "deny" }).click();
  await expect.poll(() => hive.called("change_deny")).toEqual([{ change: 19, note: "not by bytes" }]);

  // What a card cannot show whole is decided on its page.
  hive.answers.change = () => ({
    change: aChange({ id: 20 }),
    files: diffFiles([{ path: "logo.png", binary: true }]),
    comments: [],
  });
  hive.tell({ kind: "change", seq: 3300, change: aChange({ id: 20, seq: 3300 }) });
  const long = await openCall(page, "change 20: web #20 of scout");
  await long.getByRole("link", { name: "read the whole diff to decide" }).waitFor();
  expect(await long.locator("button.approve").count()).toBe(0);
  expect(problems).toEqual([]);
});

test("files without a patch are folded, read when they are opened, and named in the approval", async () => {
  const later = Array.from({ length: 3000 }, (_, nth) => ({ path: `src/module-${nth}.ts`, cut: true }));
  const change = aChange({ comments: { draft: 0, open: 0, resolved: 0 } });
  hive.answers.change = () => ({
    change,
    files: [...diffFiles([{ path: "logo.png", binary: true }]), ...diffFiles(later).slice(2)],
    comments: [],
  });
  hive.answers.change_file = ({ path }) => ({ text: `@@ -1 +1 @@\n-${path} before\n+${path} after\n` });
  const { page } = await openPage(browser, hive, "/change/12");
  await page.getByText("3001 files are not shown whole").waitFor();
  expect(hive.called("change_file")).toEqual([]);
  expect(await page.locator(".dfile").count()).toBeLessThan(300);
  const file = page.getByRole("region", { name: "file src/module-7.ts" });
  await file.getByRole("button", { name: "src/module-7.ts" }).click();
  await file.getByText("src/module-7.ts after").waitFor();
  expect(hive.called("change_file")).toEqual([{ change: 12, against: "merge_base", path: "src/module-7.ts", after: 0 }]);
  // Another commit has another patch, and nothing of it is seen yet. The open file is read again.
  const next = { ...change, seq: 3000, round: 2, digest: "b".repeat(64) };
  const { files } = await hive.answers.change({ change: 12 });
  hive.answers.change = () => ({ change: next, files, comments: [] });
  hive.answers.change_file = ({ path }) => ({ text: `@@ -1 +1 @@\n-${path} before\n+${path} in round 2\n` });
  hive.tell({ kind: "change", seq: 3000, change: next });
  await file.getByText("src/module-7.ts in round 2").waitFor();
  expect(await file.getByText("src/module-7.ts after").count()).toBe(0);
  // It was read to its end, and needs no tick.
  await page.getByText("3000 files are not shown whole").waitFor();
  await page.getByRole("checkbox", { name: "all 3000 files that are not shown whole" }).check();
  await page.getByRole("button", { name: /approve\s+1bfaf24/ }).click();
  await expect.poll(() => hive.called("change_approve").length).toBe(1);
  const { unshown, ...rest } = hive.called("change_approve")[0] ?? {};
  expect(rest).toEqual({ change: 12, sha: SHA, digest: "b".repeat(64) });
  expect(unshown).toEqual(["logo.png", ...later.map(({ path }) => path)]);
});

test("at 390 px: the log of a running check streams, the queue is worked from its buttons, settings send what changed", async () => {
  const { page, problems } = await openPage(browser, hive, "/change/13", { ...sized(390), hasTouch: true });
  const log = page.getByRole("log", { name: "check log of change 13" });
  await log.getByText("ok 1 - reads the mirror").waitFor();
  const faults = async (): Promise<string[]> => [
    ...(await layoutFaults(page)),
    ...(await smallTargets(page)),
    ...(await sidewaysScrollers(page)),
  ];
  expect(await faults()).toEqual([]);
  // A failed check: the page offers to try again, and has the reason.
  const failed = aChange({ id: 13, seq: 3100, state: "checks_failed", has_log: true, reason: "not ok 3 - keeps order" });
  hive.tell({ kind: "change", seq: 3100, change: failed });
  await page.getByText("not ok 3 - keeps order").waitFor();
  // The log of a check that has ended is read to its end, and not asked for again and again.
  hive.answers.change_log = ({ after }) => ({ lines: after === undefined ? ["not ok 3 - keeps order"] : [], position: 9 });
  hive.calls.length = 0;
  await page.getByRole("link", { name: "the check log" }).click();
  await page.getByRole("dialog").getByText("1 line of the check’s log").waitFor();
  await page.getByRole("button", { name: "close" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect(hive.called("change_log").length).toBeLessThan(4);
  hive.answers.change_retry = () => ({ change: { ...failed, seq: 3102, state: "queued", reason: undefined } });
  await page.getByRole("button", { name: "try again" }).click();
  await expect.poll(() => hive.called("change_retry")).toEqual([{ change: 13 }]);

  await page.getByRole("link", { name: "← work" }).click();
  const row = page.getByRole("article", { name: "change 14: Say what the crawler stores" });
  hive.answers.change_to_front = () => ({
    change: aChange({ id: 14, seq: 3102, state: "queued", title: "Say what the crawler stores" }),
  });
  await row.getByRole("button", { name: "to the front" }).click();
  await expect.poll(() => hive.called("change_to_front")).toEqual([{ change: 14 }]);
  expect(await faults()).toEqual([]);

  await page.getByRole("link", { name: "web", exact: true }).click();
  // A merged change is reverted with a note, which leads to the new change.
  await page.getByRole("link", { name: "#11 One line of log for each fetch" }).click();
  hive.answers.change_revert = () => ({
    change: aChange({ id: 18, seq: 3200, agent: "operator", title: "Revert one line of log" }),
  });
  await page.getByRole("button", { name: "revert…" }).click();
  await page.getByRole("textbox", { name: "note on change 11" }).fill("too many lines");
  await page.getByRole("button", { name: "revert", exact: true }).click();
  await page.waitForURL("**/change/18");
  expect(hive.called("change_revert")).toEqual([{ change: 11, note: "too many lines" }]);
  // The operator withdraws an own change instead of denying it.
  await page.getByRole("button", { name: "withdraw" }).waitFor();
  expect(await page.getByRole("button", { name: "deny…" }).count()).toBe(0);
  await page.goBack();
  await page.goBack();

  const web = hive.state.repos.find(({ name }) => name === "web");
  if (!web) throw new Error("the fixture has no repository web");
  hive.answers.queue_pause = () => ({
    repo: { ...web, queues: [{ base: "main", state: "paused", waiting: [15, 14], since: ago(1) }] },
  });
  await page.getByRole("button", { name: "pause" }).click();
  await expect.poll(() => hive.called("queue_pause")).toEqual([{ name: "web", base: "main", paused: true }]);
  hive.answers.repo_push = () => ({ repo: { ...web, pushes: [] }, base: "main", sha: SHA, branch: "hive/main" });
  await page.getByRole("alert").getByText("hive/main is checked out there").waitFor();
  await page.getByRole("region", { name: "bases" }).getByRole("button", { name: "try again" }).click();
  await expect.poll(() => hive.called("repo_push")).toEqual([{ name: "web", base: "main" }]);
  await page.getByRole("alert").waitFor({ state: "detached" });
  // A base that has diverged: its queue cannot just go on, and a reset says first what it takes out.
  const apart = { base: "main", state: "stopped" as const, reason: "other commits", diverged: true, waiting: [14] };
  hive.tell({ kind: "repo", name: "web", repo: { ...web, queues: [apart] } });
  const diverged = page.getByRole("group", { name: "main has diverged" });
  await diverged.getByRole("button", { name: "merge upstream" }).waitFor();
  expect(await page.getByRole("button", { name: "go on", exact: true }).count()).toBe(0);
  expect(await faults()).toEqual([]);
  hive.answers.repo_divergence = () => aDivergence({ undone: 3 });
  hive.answers.repo_reconcile = () => ({ repo: web, base: "main", from: BASE, to: SHA });
  await diverged.getByRole("button", { name: "reset to upstream…" }).click();
  const sure = page.getByRole("alertdialog", { name: "reset main to 1bfaf24abcde" });
  await sure.getByText("#11 One line of log for each fetch").waitFor();
  await sure.getByText("and 2 more").waitFor();
  expect(await faults()).toEqual([]);
  await sure.getByRole("button", { name: "reset", exact: true }).click();
  await expect
    .poll(() => hive.called("repo_reconcile"))
    .toEqual([{ name: "web", base: "main", by: "reset", ours: BASE, upstream: SHA }]);
  await sure.waitFor({ state: "detached" });
  hive.answers.repo_set = (input) => ({ repo: { ...web, ...input } });
  await page.getByRole("combobox", { name: "who decides" }).selectOption("checks");
  await page.getByRole("textbox", { name: /^check:/ }).fill("make test");
  await page.getByRole("button", { name: "save" }).click();
  await expect.poll(() => hive.called("repo_set")).toEqual([{ name: "web", check: "make test", policy: "checks" }]);

  // Settings that the host declares can be read and not changed, and the page says where they are declared.
  const declared = "services.hive-c0re.repositories.web";
  hive.tell({ kind: "repo", name: "web", repo: { ...web, declared } });
  await page.getByText(declared).waitFor();
  const settings = page.getByRole("region", { name: "settings" });
  expect(await settings.getByRole("textbox", { name: /^check:/ }).isDisabled()).toBe(true);
  expect(await settings.getByRole("button").count()).toBe(0);
  expect(await page.getByRole("region", { name: "remove" }).count()).toBe(0);
  expect(await faults()).toEqual([]);
  expect(problems).toEqual([]);
});

test("a workspace that is not ready is made again, or left, from the agent's page", async () => {
  const unready = anAgent("scout", {
    unready_workspace: { repo: "web", reason: "the set-up failed: it ended with 7\nno network" },
  });
  hive.state.agents = [...hive.state.agents.filter(({ name }) => name !== "scout"), unready];
  const { page } = await openPage(browser, hive, "/agent/scout", sized(390));
  const alert = page.getByRole("alert");
  await alert.getByText("no network").waitFor();
  await alert.getByRole("button", { name: "make it again" }).click();
  await expect.poll(() => hive.called("workspace_retry")).toEqual([{ name: "scout" }]);
  expect([...(await layoutFaults(page)), ...(await smallTargets(page)), ...(await sidewaysScrollers(page))]).toEqual([]);
  await alert.getByRole("button", { name: "go on without" }).click();
  await expect.poll(() => hive.called("workspace_skip")).toEqual([{ name: "scout" }]);
  hive.tell({ kind: "agent", agent: { ...unready, unready_workspace: undefined } });
  await alert.waitFor({ state: "detached" });
});

test("without a repository the page says how to begin, and creates an empty one", async () => {
  Object.assign(hive.state, { repos: [], changes: [] });
  hive.answers.repo_create = ({ name }) => ({
    repo: { ...workHive().state.repos[0], name, bases: [] } as never,
  });
  const { page } = await openPage(browser, hive);
  await page.keyboard.press("Escape");
  await page.keyboard.press("w");
  await page.getByText("npx hivectl repo add web ~/src/web").waitFor();
  await page.getByRole("link", { name: "add one of another host, or an empty one" }).click();
  await page.getByRole("textbox", { name: "name" }).fill("notes");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/work/notes");
  await page.getByText("The repository is empty.").waitFor();
  expect(hive.called("repo_create")).toEqual([{ name: "notes", base: "main" }]);
  // A new agent may work on it.
  hive.answers.request_spawn = () => ({ request: 50, risks: [] });
  await page.keyboard.press("u");
  await page.getByRole("button", { name: "+ request spawn" }).click();
  const form = page.getByRole("dialog");
  await form.getByRole("textbox", { name: "name" }).fill("poet");
  await form.getByRole("combobox", { name: "notes" }).selectOption("works on it");
  await form.getByRole("button", { name: "request" }).click();
  await expect.poll(() => hive.called("request_spawn")).toEqual([{ name: "poet", repos: [{ name: "notes", access: "write" }] }]);
});
