import type { Browser } from "playwright-core";
import { describe, expect, test } from "vitest";
import { busyHive } from "../lib/busy-hive.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openPage } from "../lib/fixture-page.ts";
import { sized, usePages, WIDTHS } from "../lib/pages.ts";

/** Secrets on the page: set, and removed after a question that says what uses them. A value is never shown. */

let browser: Browser;
let hive: FixtureHive;
usePages(busyHive, (theBrowser, theHive) => {
  browser = theBrowser;
  hive = theHive;
});

const GH = {
  name: "GH",
  set_by: "operator",
  set_at: "2026-01-31T12:00:00.000Z",
  uses: [
    { agent: "scout", as: "environment" as const },
    { agent: "scribe", as: "door" as const, door: "github" },
  ],
};

describe.each(WIDTHS)("at %i px", (width) => {
  test("a secret is set without being shown, and removed after a question", async () => {
    hive.answers.secrets = () => ({ secrets: [GH, { name: "LOST", missing: true, uses: [] }] });
    hive.answers.secret_set = () => ({ secret: GH });
    hive.answers.secret_remove = () => ({});
    const { page, problems } = await openPage(browser, hive, "/?open=secrets", sized(width));
    const dialog = page.getByRole("dialog", { name: "secrets" });
    await dialog.getByText("scout (environment), scribe (door github)").waitFor();
    await dialog.getByText("missing").waitFor();
    await dialog.getByLabel(/^name/).fill("GH");
    const value = dialog.getByLabel("value");
    expect(await value.getAttribute("type")).toBe("password");
    await value.fill("ghp_0123456789");
    await value.press("Enter");
    await page.getByText("GH is kept; scout: from the next start of the cage").waitFor();
    expect(hive.called("secret_set").at(-1)).toEqual({ name: "GH", value: "ghp_0123456789" });
    expect(await value.inputValue()).toBe("");

    await dialog.getByRole("button", { name: "remove GH" }).click();
    const question = page.getByRole("alertdialog");
    await question.getByText("It is used: scout (environment), scribe (door github).").waitFor();
    expect(hive.called("secret_remove")).toEqual([]);
    await question.getByRole("button", { name: "remove" }).click();
    await page.getByText("GH is removed").waitFor();
    expect(hive.called("secret_remove").at(-1)).toEqual({ name: "GH", force: true });
    expect(problems).toEqual([]);
  });
});
