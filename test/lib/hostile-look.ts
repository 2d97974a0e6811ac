import type { Browser, Page } from "playwright-core";
import { expect } from "vitest";
import { openPage, type FixtureHive } from "./fixture-hive.ts";

/** What hostile text has done to a page. */
export interface Harm {
  /** A script of the text has run. */
  pwned: boolean;
  images: number;
  /** Scripts without an address: there is none of ours. */
  scripts: number;
  /** Schemes of links that are not http(s). */
  links: string[];
  /** Words in which characters steer, turn round or hide, in the text and in what is read out or shown beside the pointer. */
  controls: string[];
  /** What sticks out of the page, by name: a number would not say what to mend. */
  wide: string[];
}

/** A page that the text has done nothing to. */
export const calm: Harm = { pwned: false, images: 0, scripts: 0, links: [], controls: [], wide: [] };

/** Looks for harm of every kind, in the page as it stands. */
export function whatShows(page: Page): Promise<Harm> {
  return page.evaluate(() => {
    const unseen = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069\u200B]/;
    const attributes = ["title", "aria-label", "placeholder", "alt"].flatMap((name) =>
      [...document.querySelectorAll(`[${name}]`)].map((one) => `${name}: ${one.getAttribute(name)}`),
    );
    const titles = [...document.querySelectorAll("title")].map((one) => `title: ${one.textContent}`);
    const said = [...document.body.innerText.split("\n"), ...attributes, ...titles];
    const named = (one: Element): string => `${one.tagName} ${one.getAttribute("class") ?? ""}`;
    const isWide = document.documentElement.scrollWidth > innerWidth || document.body.scrollWidth > innerWidth;
    const out = isWide
      ? [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
      : [];
    // What stands over the page makes nothing scroll: it has to be inside by itself.
    const over = [...document.querySelectorAll(".toast, .dialog, .drawer, .menu, .suggestions, .offline")].filter((one) => {
      const { left, right, top, bottom } = one.getBoundingClientRect();
      return left < -1 || top < -1 || right > innerWidth + 1 || bottom > innerHeight + 1 || one.scrollWidth > one.clientWidth + 1;
    });
    return {
      pwned: "pwned" in window,
      images: document.images.length,
      scripts: [...document.scripts].filter((script) => script.src === "" && script.type !== "application/json").length,
      links: [...document.links].map((link) => link.protocol).filter((one) => !one.startsWith("http")),
      controls: said.filter((one) => unseen.test(one)).map((one) => JSON.stringify(one).slice(0, 120)),
      wide: [...new Set([...out, ...over])].map(named).slice(0, 8),
    };
  });
}

/** A page at this width; closing it fails when anything foreign has happened in it. */
export async function openWatched(browser: Browser, on: FixtureHive, width: number, path = "/") {
  const { context, page, problems } = await openPage(browser, on, path, { viewport: { width, height: 850 } });
  const foreign: string[] = [];
  const dialogs: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith("http://127.0.0.1:")) foreign.push(request.url());
  });
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  const close = async (): Promise<void> => {
    await context.close();
    // A refusal is an answer with a status: the browser says that, too.
    const reports = problems.filter((words) => !words.includes("the server responded with a status of 409"));
    expect({ foreign, dialogs, reports }).toEqual({ foreign: [], dialogs: [], reports: [] });
  };
  return { page, close };
}

/** Opens an address and, once what makes it whole is there, all that is folded in it. */
export async function goTo(page: Page, address: string, whole = "main"): Promise<void> {
  await page.goto(address);
  await page.locator(whole).first().waitFor({ state: "attached" });
  await page.locator("main").first().waitFor();
  if (/open=(?:[a-z]+:|spawn)/.test(address)) await page.getByRole("dialog").waitFor();
  // What is folded is opened: it is a field like any other. Of the cards that wait, the address says which is open.
  await page.evaluate(() => {
    for (const fold of document.querySelectorAll<HTMLElement>(
      "main button[aria-expanded=false]:not([aria-haspopup]):not(.card.line *)",
    ))
      fold.click();
  });
}
