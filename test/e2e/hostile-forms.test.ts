import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedBrowser } from "../lib/browser.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { EVIL, hostileHive, refusingHive } from "../lib/hostile-hive.ts";
import { calm, goTo, openWatched, whatShows } from "../lib/hostile-look.ts";
import { openCall } from "../lib/pages.ts";

/** Hostile text in what the operator opens and in notifications. Pages are in the red-team suite. */

let browser: Browser;
let hive: FixtureHive;
let refusing: FixtureHive;
beforeAll(async () => {
  [browser, hive, refusing] = await Promise.all([sharedBrowser(), hostileHive().start(), refusingHive().start()]);
});
afterAll(async () => {
  await Promise.all([hive, refusing].map((one) => one.stop()));
});

const WIDTHS = [1440, 390];
test.each(WIDTHS)("forms that contain it, and refusals that quote it, at %i px", async (width) => {
  const { page, close } = await openWatched(browser, refusing, width, "/?tab=call");
  const look = async (what: string): Promise<void> => expect(await whatShows(page), what).toEqual(calm);
  const refusal = page.locator(".toast.error");

  // A deny form on a card: open, filled, refused.
  const card = await openCall(page, /^request 42/);
  await card.getByRole("button", { name: "deny…" }).click();
  await card.getByRole("textbox").fill(EVIL);
  await look("the deny form of a card");
  await card.getByRole("button", { name: "deny", exact: true }).click();
  await refusal.waitFor();
  await look("a toast");
  await refusal.click();

  // The same on the request's own page, where the draft is restored.
  await goTo(page, `${hive.home}/approval/42`);
  await page.getByRole("button", { name: "deny…" }).click();
  await page.getByRole("textbox", { name: /^note on/ }).fill(EVIL);
  await look("the deny form of a request's page");

  await goTo(page, `${refusing.home}/?open=spawn`);
  await page.getByRole("textbox", { name: "name" }).fill("scout");
  await page.getByRole("textbox", { name: "what it is for" }).fill(EVIL);
  await look("the spawn form");
  await page.getByRole("button", { name: "request" }).click();
  await page.getByRole("alert").waitFor();
  await look("the spawn form, refused");

  // A refused message that returns with the reason, on the dashboard and on the agent's page.
  for (const path of ["/?tab=flow", "/agent/hm1nd"]) {
    await goTo(page, refusing.home + path);
    const box = page.getByRole("textbox", { name: "message to hm1nd" });
    await box.fill(EVIL);
    await box.press("Enter");
    await page.getByRole("alert").filter({ hasText: "refused:" }).waitFor();
    expect(await box.inputValue()).toBe(EVIL);
    await look(`a message that was refused: ${path}`);
  }

  await goTo(page, `${hive.home}/?open=config:hm1nd`);
  await page.getByRole("button", { name: "edit…" }).click();
  await page.getByRole("textbox", { name: "what for" }).fill(EVIL);
  await look("a config being edited");
  await close();
});

test.each(WIDTHS)("menus and dialogs over it at %i px", async (width) => {
  const { page, close } = await openWatched(browser, hive, width, "/?tab=swarm");
  const look = async (what: string): Promise<void> => expect(await whatShows(page), what).toEqual(calm);
  const kept = page.getByRole("region", { name: "kept state" });
  await kept.getByText("gone").waitFor();
  await kept.getByRole("button", { name: "purge…" }).click();
  await page.getByRole("alertdialog").waitFor();
  await look("a purge that is asked about");
  await page.keyboard.press("Escape");
  await page.getByRole("alertdialog").waitFor({ state: "detached" });

  await expect.poll(() => page.getByRole("listitem", { name: "bad" }).getByText("drift:").count()).toBe(1);
  await page.getByRole("button", { name: "more for bad" }).click();
  await page.getByRole("menu").waitFor();
  await look("a menu");
  await page.getByRole("menuitem", { name: "destroy…" }).click();
  await page.getByRole("alertdialog").waitFor();
  await look("a destroy that is asked about");
  await close();
});

test("notifications", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(() => {
    const shown: string[] = [];
    class Recorder extends EventTarget {
      static readonly permission = "granted";
      constructor(title: string, { body }: { body: string }) {
        super();
        shown.push(title, body);
      }
    }
    Object.assign(globalThis, { Notification: Recorder, shown });
    localStorage.setItem("notifications", "on");
    document.hasFocus = () => false;
  });
  await page.goto(hive.home);
  await page.getByText("live", { exact: true }).waitFor();
  hive.tell({ kind: "message", seq: 2_000_000, message: { ...hostileMessage(), seq: 2_000_000 } });
  const shown = () => page.evaluate(() => (globalThis as unknown as { shown: string[] }).shown);
  await expect.poll(shown).toHaveLength(2);
  for (const words of await shown()) expect(words).not.toMatch(/[\u0000-\u001F\u202A-\u202E\u2066-\u2069\u200B]/);
  await context.close();
});

function hostileMessage() {
  const message = hive.state.messages.find((one) => one.to === "operator");
  if (!message) throw new Error("the hostile hive has no message to the operator");
  return { ...message, id: 2_000_000 };
}
