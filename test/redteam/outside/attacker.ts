import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { BrowserContext, Page } from "playwright-core";
import { scaled } from "../../lib/slowness.ts";
import type { Place } from "./place.ts";

/** Longest time for what a page does at once: a load, a violation of its policy. Milliseconds. */
const SOON_MS = scaled(10_000);

/**
 * A browser in which the operator is logged in, and an attacker's pages: on another port of 127.0.0.1, which is the same
 * site, and under the name `localhost`, which is another site.
 */
export class Attacker {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly #home: string;
  readonly #server: Server;
  #html = "";
  /** What the browser's console says since the attacker's page was opened. */
  said: string[] = [];
  /** Loads that failed since then, with the reason. */
  failed: string[] = [];

  private constructor(home: string, context: BrowserContext, page: Page, server: Server) {
    this.#home = home;
    this.context = context;
    this.page = page;
    this.#server = server;
    server.on("request", (_, response) => {
      response.setHeader("Content-Type", "text/html; charset=utf-8");
      response.end(this.#html);
    });
    page.on("console", (line) => this.said.push(line.text()));
    page.on("pageerror", (error) => this.said.push(error.message));
    page.on("requestfailed", (request) => this.failed.push(request.failure()?.errorText ?? ""));
  }

  static async start(place: Place): Promise<Attacker> {
    const context = await (await place.browser()).newContext();
    context.setDefaultTimeout(SOON_MS);
    const page = await context.newPage();
    await page.goto((await place.hive.call("login", {})).url);
    await page.waitForSelector("main.dashboard");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    place.atEnd(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return new Attacker(place.hive.home, context, page, server);
  }

  /**
   * The operator's own page in that window. It is loaded anew unless the last attempt there has said with `isClean` that
   * it has changed nothing: a load is most of the cost of an attempt.
   */
  async atHome(): Promise<void> {
    const isHome = this.isClean && this.page.url() === `${this.#home}/`;
    this.isClean = false;
    if (isHome) return;
    await this.page.goto(`${this.#home}/`);
    await this.page.waitForSelector("main.dashboard");
  }
  /** Set by an attempt on the operator's own page that was refused. */
  isClean = false;

  /** Opens a page of the attacker in the operator's browser. */
  async open(html: string, site: "same" | "cross" = "same"): Promise<void> {
    this.#html = `<!doctype html><title>a page</title><body>${html}`;
    this.said = [];
    this.failed = [];
    const { port } = this.#server.address() as AddressInfo;
    await this.page.goto(`http://${site === "same" ? "127.0.0.1" : "localhost"}:${port}/`);
  }

  /** The first line of the console with these words, waited for. */
  async says(words: RegExp): Promise<string> {
    return this.#first(() => this.said, words);
  }
  /** The first failed load with these words, waited for. */
  async fails(words: RegExp): Promise<string> {
    return this.#first(() => this.failed, words);
  }

  async #first(lines: () => string[], words: RegExp): Promise<string> {
    const end = performance.now() + SOON_MS;
    for (;;) {
      const found = lines().find((line) => words.test(line));
      if (found !== undefined) return found;
      if (performance.now() > end) return `other words: ${lines().join("; ") || "none"}`;
      // The browser's next event.
      await this.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    }
  }
}
