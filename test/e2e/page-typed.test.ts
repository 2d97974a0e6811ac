import type { Browser } from "playwright-core";
import { describe, expect, test } from "vitest";
import { HiveError } from "../../src/wire/error.ts";
import { busyHive } from "../lib/busy-hive.ts";
import { anApproval, aQuestion, aState, diffFiles } from "../lib/fixtures.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openPage } from "../lib/fixture-page.ts";
import { openCall, usePages } from "../lib/pages.ts";

/** Drafts of the operator while their subject changes or ends. */

let browser: Browser;
let hive: FixtureHive;
usePages(busyHive, (theBrowser, theHive) => {
  browser = theBrowser;
  hive = theHive;
});

describe.each([1440, 390])("at %i px", (width) => {
  test.each(["/", "/approval/42"])("the draft note to a request that is decided elsewhere stays, on %s", async (path) => {
    const { page, problems } = await openPage(browser, hive, path, { viewport: { width, height: 844 } });
    if (path === "/") await openCall(page, /^request 42/);
    await page.getByRole("button", { name: "deny…" }).click();
    const note = page.getByRole("textbox", { name: "note on request 42" });
    await note.pressSequentially("not with ");
    const top = await note.evaluate((box) => Math.round(box.getBoundingClientRect().top));
    hive.tell({ kind: "approval", seq: 7000, approval: anApproval({ seq: 7000, state: "cancelled", resolved_by: "hm1nd" }) });
    await page.getByText("cancelled; your note was not sent").waitFor();
    await page.keyboard.type("that host");
    expect(await note.inputValue()).toBe("not with that host");
    // At the lower edge of a phone the line about it needs its own place.
    if (width > 900 || path === "/") expect(await note.evaluate((box) => Math.round(box.getBoundingClientRect().top))).toBe(top);
    await page.getByRole("button", { name: "send as a message" }).click();
    await note.waitFor({ state: "detached" });
    expect(hive.called("send")).toMatchObject([{ to: "hm1nd", body: "not with that host" }]);
    expect(hive.called("deny")).toEqual([]);
    if (path === "/") expect(await page.getByRole("article", { name: /^request 42/, includeHidden: true }).count()).toBe(0);
    expect(problems).toEqual([]);
  });

  test("a toast does not block the next press", async () => {
    const calls = Array.from({ length: 6 }, (_, n) => aQuestion(`Which of ${n}?`, { id: 900 + n }));
    hive.state = aState({ questions: calls });
    const { page, problems } = await openPage(browser, hive, "/", { viewport: { width, height: 844 } });
    for (const { id } of calls) {
      const card = await openCall(page, `question ${id} of hm1nd`);
      await card.getByRole("textbox").fill("this");
      const button = card.getByRole("button", { name: "answer" });
      await button.scrollIntoViewIfNeeded();
      // A press in its middle meets the button.
      const isMet = await button.evaluate((one) => {
        const { left, top, width: wide, height } = one.getBoundingClientRect();
        return one.contains(document.elementFromPoint(left + wide / 2, top + height / 2));
      });
      expect(isMet, `question ${id}`).toBe(true);
      await button.click();
      await page.locator(".toasts").getByText("hm1nd will get your answer").first().waitFor();
    }
    expect(problems).toEqual([]);
  });
});

/* The same at each width, so checked at one. */

test("at 390 px a request that was decided in a gap of the connection is shown in its final state, with the note", async () => {
  const { page, problems } = await openPage(browser, hive, "/", { viewport: { width: 390, height: 844 } });
  const card = await openCall(page, /^request 42/);
  await card.getByRole("button", { name: "deny…" }).click();
  await card.getByRole("textbox").fill("not with that host");
  const ended = anApproval({ seq: 7900, state: "denied", resolved_by: "operator" });
  hive.answers.approvals = () => ({ approvals: [ended] });
  hive.state = { ...hive.state, seq: 8000, approvals: hive.state.approvals.filter(({ id }) => id !== ended.id) };
  hive.tell({ kind: "reset", seq: 8000 });
  await card.getByText("denied; your note was not sent").waitFor();
  expect(await card.getByRole("textbox").inputValue()).toBe("not with that host");
  await card.getByRole("button", { name: "discard" }).click();
  await card.waitFor({ state: "detached" });
  expect(problems).toEqual([]);
});

test("at 1440 px a note that is being sent is not called unsent; a refused one stays", async () => {
  const { page } = await openPage(browser, hive, "/", { viewport: { width: 1440, height: 844 } });
  const card = await openCall(page, /^request 42/);
  await card.getByRole("button", { name: "deny…" }).click();
  await card.getByRole("textbox").fill("too dear");
  let end: (what: Error | object) => void = () => {};
  hive.answers.deny = () =>
    new Promise((resolve, reject) => (end = (what) => (what instanceof Error ? reject(what) : resolve(what as never))));
  await card.getByRole("button", { name: "deny", exact: true }).click();
  await expect.poll(() => hive.called("deny").length).toBe(1);
  end(new HiveError("unavailable", "the hive is restarting"));
  await page.locator(".toasts").getByText("the hive is restarting").waitFor();
  expect(await card.getByRole("textbox").inputValue()).toBe("too dear");
  await card.getByRole("button", { name: "deny", exact: true }).click();
  await expect.poll(() => hive.called("deny").length).toBe(2);
  // Its event arrives before the answer.
  hive.tell({ kind: "approval", seq: 7000, approval: anApproval({ seq: 7000, state: "denied", note: "too dear" }) });
  await card.waitFor({ state: "detached" });
  end({ denied: 42 });
  await page.locator(".toasts").getByText("request 42 is denied").waitFor();
});

test("at 390 px a diff that is fetched again while the operator writes, or fails to, removes nothing", async () => {
  const { page } = await openPage(browser, hive, "/approval/42", { viewport: { width: 390, height: 844 } });
  await page.getByRole("button", { name: "deny…" }).click();
  const note = page.getByRole("textbox", { name: "note on request 42" });
  await note.pressSequentially("what ");
  hive.answers.show = () => {
    throw new HiveError("unavailable", "the hive is restarting");
  };
  hive.tell({ kind: "approval", seq: 7000, approval: anApproval({ seq: 7000, digest: "e".repeat(64) }) });
  await page.getByRole("alert").getByText("the hive is restarting").waitFor();
  await page.keyboard.type("for?");
  expect(await note.inputValue()).toBe("what for?");
  await page.getByText("crawler.mjs").first().waitFor({ state: "attached" });
  await page.getByRole("button", { name: "back", exact: true }).click();
  await page.getByText("What runs has changed since this was read.").waitFor();
  // When the connection is restored, the failed fetch is repeated.
  const files = diffFiles([{ path: "a-third-file" }]);
  hive.answers.show = () => ({ approval: anApproval({ seq: 7000, digest: "e".repeat(64) }), files, cut: false });
  hive.cut();
  await page.getByText("a-third-file").first().waitFor({ state: "attached" });
  await page.getByRole("button", { name: /^◆ approve/ }).waitFor();
});

test("at 390 px Escape leaves a box, and keys are commands again", async () => {
  hive.state = aState({ questions: [aQuestion("Which?", { id: 900 })] });
  const { page, problems } = await openPage(browser, hive, "/", { viewport: { width: 390, height: 844 } });
  const left = async (): Promise<void> => {
    await page.keyboard.press("Escape");
    expect(await page.evaluate(() => document.activeElement?.matches("input, textarea"))).toBe(false);
  };
  const card = await openCall(page, "question 900 of hm1nd");
  await card.getByRole("textbox").fill("this");
  await left();
  await page.keyboard.press("/");
  await expect.poll(() => page.evaluate(() => document.activeElement?.matches("input.search"))).toBe(true);
  await page.keyboard.type("crawl");
  await left();
  await page.keyboard.press("c");
  await expect.poll(() => page.evaluate(() => document.activeElement?.matches(".flow textarea"))).toBe(true);
  await left();
  await page.keyboard.press("s");
  await page.waitForURL(/\/swarm$/);
  expect(problems).toEqual([]);
});
