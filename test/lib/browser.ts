import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type LaunchOptions, type Page } from "playwright-core";
import type { TestHive } from "./hive.ts";
import { scaled } from "./slowness.ts";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // One process less per browser.
  "--enable-features=NetworkServiceInProcess2",
];

function findChromium(): string {
  for (const name of ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]) {
    for (const folder of (process.env["PATH"] ?? "").split(":")) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not here.
      }
    }
  }
  throw new Error("there is no chromium: `npm test` installs it");
}

/** Timeout of an action in a page. Milliseconds. */
const ACTION_MS = scaled(60_000);

/** A headless browser with timeouts for this machine and without animations, which cost half a core. */
export async function launch(options: LaunchOptions = {}): Promise<Browser> {
  const timeout = scaled(120_000);
  const browser = await chromium.launch({ executablePath: findChromium(), args: FLAGS, timeout, ...options });
  const open = browser.newContext.bind(browser);
  browser.newContext = async (given) => {
    const context = await open({ reducedMotion: "reduce", ...given });
    context.setDefaultTimeout(ACTION_MS);
    return context;
  };
  return browser;
}

let shared: Promise<Browser> | undefined;

/**
 * The browser of this worker, launched with its first use. It ends with the worker. A test closes its contexts and not
 * the browser.
 */
export function sharedBrowser(): Promise<Browser> {
  shared ??= launch({ handleSIGTERM: false }).then((browser) => {
    // Vitest ends a worker with SIGTERM, and half a second later with SIGKILL: too early for a browser that closes. At an
    // exit Playwright kills it and removes its folders at once.
    process.once("SIGTERM", () => process.exit());
    return browser;
  });
  return shared;
}

/** A logged-in browser profile, and the errors of its pages. */
export async function logIn(
  browser: Browser,
  hive: TestHive,
  viewport = { width: 1440, height: 900 },
): Promise<{ context: BrowserContext; page: Page; problems: string[] }> {
  const context = await browser.newContext({ viewport });
  const problems: string[] = [];
  context.on("page", (page) => {
    // Violations of the policy and script errors both appear on the console.
    page.on("console", (line) => line.type() === "error" && problems.push(line.text()));
    page.on("pageerror", (error) => problems.push(error.message));
  });
  const page = await context.newPage();
  await page.goto((await hive.call("login", {})).url);
  await page.waitForSelector("main.dashboard");
  return { context, page, problems };
}
