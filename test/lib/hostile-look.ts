import type { Browser, Page } from "playwright-core";
import type { FixtureHive } from "./fixture-hive.ts";
import { openOwnPage } from "./fixture-page.ts";
import { drawn, follow } from "./page-scenes.ts";

/** What hostile text has done to a page. */
export interface Harm {
  /** A script of the text has run. */
  pwned: boolean;
  images: number;
  /** Inline scripts: the app has none. */
  scripts: number;
  /** Schemes of links that are not http(s). */
  links: string[];
  /** Texts, accessible names and tooltips with characters that steer, reorder or hide. */
  controls: string[];
  /** Elements that extend beyond the page, by name. */
  wide: string[];
}

/** A page without harm. */
export const calm: Harm = { pwned: false, images: 0, scripts: 0, links: [], controls: [], wide: [] };

/** Searches the current page for harm of every kind. */
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
    // Overlays do not make the page scroll, so check their position separately.
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

/** Opens a page at this width. `check` and `close` fail if a foreign request, a dialog or an error occurred in it. */
export async function openWatched(browser: Browser, on: FixtureHive, width: number, path = "/") {
  const { context, page, problems } = await openOwnPage(browser, on, path, { viewport: { width, height: 850 } });
  /** Throws if something of the kind has occurred since the last call. */
  const check = (): void => {
    // The browser also logs the status of a refusal.
    const reports = problems.splice(0).filter((words) => !words.includes("the server responded with a status of 409"));
    const seen = { foreign: foreign.splice(0), dialogs: dialogs.splice(0), reports };
    if (Object.values(seen).some((one) => one.length > 0))
      throw new Error(`at ${page.url().slice(0, 100)}: ${JSON.stringify(seen)}`);
  };
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
    check();
  };
  return { page, check, close };
}

/** Opens an address, waits for its main part, and unfolds everything. */
export async function goTo(page: Page, address: string, whole = "main"): Promise<void> {
  await page.goto(address);
  await page.locator(whole).first().waitFor({ state: "attached" });
  await page.locator("main").first().waitFor();
  if (/open=(?:[a-z]+:|spawn)/.test(address)) await page.getByRole("dialog").waitFor();
  await unfold(page);
}

/** The same from a page of the interface, as a link within it does: a load is most of the cost of a page. */
export async function goOn(page: Page, path: string, whole = "main"): Promise<void> {
  await follow(page, path);
  await drawn(page);
  await page.locator(whole).first().waitFor({ state: "attached" });
  await unfold(page);
}

/**
 * Unfolds everything, because folded text is a field like any other. The address determines which waiting card is open.
 */
function unfold(page: Page): Promise<void> {
  return page.evaluate(() => {
    for (const fold of document.querySelectorAll<HTMLElement>(
      "main button[aria-expanded=false]:not([aria-haspopup]):not(.card.line *)",
    ))
      fold.click();
  });
}
