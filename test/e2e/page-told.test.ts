import type { Browser, BrowserContext, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { busyHive } from "../lib/busy-hive.ts";
import { aChange, aMessage, anApproval, aQuestion } from "../lib/fixtures.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openOwnPage } from "../lib/fixture-page.ts";
import { usePages } from "../lib/pages.ts";

/** The browser's notifications: who asks for permission, what arrives, and what a click opens. */

let browser: Browser;
let hive: FixtureHive;
usePages(busyHive, (theBrowser, theHive) => {
  browser = theBrowser;
  hive = theHive;
});

interface Told {
  title: string;
  body: string;
  tag: string;
}
/** Records the browser's notifications instead of showing them. */
interface Kept {
  asked: number;
  told: Told[];
  click(tag: string): void;
}
const kept = <T>(page: Page, read: (one: Kept) => T): Promise<T> =>
  // The function runs in the page, so it must not use its closure.
  page.evaluate(`(${read.toString()})(globalThis.kept)`);

describe.each([1440, 390])("at %i px", (width) => {
  /** A page that never has the focus, in a browser that answers the permission prompt with `answer`. */
  async function watched(answer: NotificationPermission): Promise<{ context: BrowserContext; page: Page; problems: string[] }> {
    const { context, page, problems } = await openOwnPage(browser, hive, "/", { viewport: { width, height: 844 } });
    await page.addInitScript((given) => {
      const shown = new Map<string, EventTarget>();
      const all = { asked: 0, told: [] as Told[], click: (tag: string) => shown.get(tag)?.dispatchEvent(new Event("click")) };
      class Fake extends EventTarget {
        static permission = "default";
        static requestPermission(): Promise<string> {
          all.asked++;
          Fake.permission = given;
          return Promise.resolve(given);
        }
        constructor(title: string, { tag = "", body = "" }: NotificationOptions) {
          super();
          all.told.push({ title, body, tag });
          shown.set(tag, this);
        }
        close(): void {}
      }
      Object.assign(globalThis, { Notification: Fake, kept: all });
      document.hasFocus = () => false;
    }, answer);
    await page.reload();
    await page.waitForSelector("main.dashboard");
    return { context, page, problems };
  }
  /** Presses the switch: in the bar, or in its menu on a phone. */
  async function press(page: Page, from: "notify me" | "notifying"): Promise<void> {
    if (width > 900) return page.getByRole("button", { name: from }).click();
    await page.getByRole("button", { name: "more", exact: true }).click();
    await page.getByRole("menuitem", { name: from === "notifying" ? "stop notifying me" : from }).click();
  }
  const toast = (page: Page, words: string): Promise<void> => page.locator(".toasts").getByText(words).waitFor();

  test("the permission is asked only on a press; then requests, changes, questions and messages to the operator arrive, each once", async () => {
    const { context, page, problems } = await watched("granted");
    const question = aQuestion("Which one?", { id: 900, seq: 7000 });
    hive.tell({ kind: "question", seq: 7000, question });
    await page.getByText("Which one?").waitFor({ state: "attached" });
    expect(await kept(page, ({ asked, told }) => ({ asked, told }))).toEqual({ asked: 0, told: [] });
    await press(page, "notify me");
    await toast(page, "notifications are on: requests, changes, questions and messages to you");
    expect(await kept(page, ({ asked }) => asked)).toBe(1);

    const approval = anApproval({ id: 901, seq: 7001, description: "one more host" });
    hive.tell({ kind: "approval", seq: 7001, approval });
    hive.tell({ kind: "approval", seq: 7002, approval: { ...approval, seq: 7002 } });
    hive.tell({ kind: "approval", seq: 7003, approval: anApproval({ id: 902, seq: 7003, state: "deployed" }) });
    hive.tell({ kind: "question", seq: 7004, question: { ...question, id: 903, seq: 7004 } });
    const change = aChange({ id: 905, seq: 7005, title: "Retry a fetch" });
    hive.tell({ kind: "change", seq: 7005, change });
    hive.tell({ kind: "change", seq: 7006, change: { ...change, seq: 7006, comments: { draft: 1, open: 0, resolved: 0 } } });
    hive.tell({ kind: "change", seq: 7007, change: aChange({ id: 906, seq: 7007, state: "queued" }) });
    const message = aMessage("scout", "operator", "found it", { id: 2_000_000 });
    hive.tell({ kind: "message", seq: 2_000_000, message });
    hive.tell({ kind: "message", seq: 2_000_001, message: { ...message, seq: 2_000_001 } });
    hive.tell({ kind: "message", seq: 2_000_002, message: aMessage("scout", "hm1nd", "not for you", { id: 2_000_002 }) });
    hive.tell({ kind: "message", seq: 2_000_003, message: aMessage("hm1nd", "operator", "the last", { id: 2_000_003 }) });
    await expect
      .poll(() => kept(page, ({ told }) => told))
      .toEqual([
        { title: "config change for scout waits for you", body: "one more host", tag: "approval-901" },
        { title: "hm1nd asks", body: "Which one?", tag: "question-903" },
        { title: "scout proposes web #905", body: "Retry a fetch", tag: "change-905-1" },
        { title: "scout writes", body: "found it", tag: "message-2000000" },
        { title: "hm1nd writes", body: "the last", tag: "message-2000003" },
      ]);
    // A click opens what the notification is about.
    await kept(page, ({ click }) => click("approval-901"));
    await page.waitForURL(/\/approval\/901$/);
    await kept(page, ({ click }) => click("message-2000000"));
    await page.waitForURL(/\/\?.*tab=inbox/);
    await press(page, "notifying");
    await toast(page, "notifications are off");
    hive.tell({ kind: "question", seq: 7008, question: { ...question, id: 904, seq: 7008 } });
    await page.getByRole("article", { name: "question 904 of hm1nd", includeHidden: true }).waitFor({ state: "attached" });
    expect(await kept(page, ({ asked, told }) => [asked, told.length])).toEqual([1, 5]);
    await context.close();
    expect(problems).toEqual([]);
  });

  // One answer at each width: the words of the page are the same.
  const [answer, words] =
    width > 900
      ? (["denied", "the browser blocks notifications: allow them for this page in its settings"] as const)
      : (["default", "permission was not given: notifications stay off"] as const);
  test(`a browser that answers ${answer}: the page says so, and no notification arrives`, async () => {
    const { context, page, problems } = await watched(answer);
    await press(page, "notify me");
    await toast(page, words);
    hive.tell({ kind: "approval", seq: 7001, approval: anApproval({ id: 901, seq: 7001 }) });
    await page.getByRole("article", { name: /request 901/, includeHidden: true }).waitFor({ state: "attached" });
    expect(await kept(page, ({ asked, told }) => ({ asked, told }))).toEqual({ asked: 1, told: [] });
    await context.close();
    expect(problems).toEqual([]);
  });
});
