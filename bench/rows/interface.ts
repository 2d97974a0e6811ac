import type { Browser, BrowserContextOptions, CDPSession, Page } from "playwright-core";
import { launch, logIn } from "../../test/lib/browser.ts";
import { TestHive } from "../../test/lib/hive.ts";
import { generationOf } from "../lib/hive.ts";
import { addPast } from "../lib/long-past.ts";
import { hello } from "../lib/receivers.ts";
import type { Figure, Row } from "../lib/row.ts";
import { percentile } from "../lib/stats.ts";
import { openLines, type Lines } from "../lib/wire.ts";

const NAMES = Array.from({ length: 11 }, (_, n) => `agent-${n}`);
/** The agent whose page is observed during the storm. */
const STORMY = "agent-0";
/** The agent whose turn is cancelled. */
const SPEAKER = "agent-1";
const MESSAGES = 50_000;
const EVENTS = 100_000;
/** Milliseconds between two events of the storm. */
const EVERY_MS = 5;
/** How long the reader scrolls during the storm. A quick storm is no longer than this. */
const QUICK_STORM_MS = 10_000;
/** Events per publish while the page is filled, and the pause after it: as fast as a page can take them. */
const GROUP = 500;
const FILL_PAUSE_MS = 40;
const PAINTS = 15;
/**
 * A browser window loads pages of its own when it opens (its address box); a user's window has been open for long.
 * Milliseconds.
 */
const SETTLE_MS = 2000;
/** Maximum loads in windows that have not settled, for comparison. */
const FRESH = 5;
const CANCELS = 9;

/** The interface in headless Chromium over a hive with a history: first paint, weight, a storm, and a cancel. */
export const interfaceRow: Row = {
  name: "interface",
  async run({ quick, stormSeconds }) {
    const hive = new TestHive({ HIVE_LOG_LEVEL: "error", HIVE_AGENT_PORTS: "off", HIVE_SEND_RATE: "1000000" }).play([
      { when: { text: "^tell" }, steps: [{ say: "once upon a time ".repeat(500), chunk_ms: 50 }] },
      { when: { text: "." }, steps: [{ say: "ok" }] },
    ]);
    const browser = await launch();
    try {
      await fill(hive);
      const { context, page } = await logIn(browser, hive);
      const session = { storageState: await context.storageState(), viewport: { width: 1440, height: 900 } };
      await page.close();
      return [
        ...(await firstPaint(browser, hive, session, quick ? 5 : PAINTS)),
        ...(await storm(browser, hive, session, stormSeconds * 1000)),
        ...(await cancels(browser, hive, session, quick ? 3 : CANCELS)),
      ];
    } finally {
      await browser.close();
      await hive.dispose();
    }
  },
};

/** Creates twelve agents, all but one asleep, with their messages and events. */
async function fill(hive: TestHive): Promise<void> {
  await hive.start();
  for (const name of NAMES) await hive.call("spawn", { name });
  await hive.call("stop", { scope: { all: true }, graceful: false });
  const { agents } = (await hive.call("state", { messages: 0 })).state;
  await hive.stop({ atOnce: true });
  await addPast(hive, { agents, messages: MESSAGES, events: { of: STORMY, count: EVENTS } });
  await hive.start();
}

interface Paints {
  /** For every load, milliseconds from the navigation to live rows, and to the first content of any kind. */
  live: number[];
  first: number[];
  /** Bytes of JavaScript that one load fetched, compressed as served. */
  weight: number;
}

/**
 * From the start of the navigation, with an empty cache, until all agents and the newest messages are shown and the
 * stream is connected.
 */
async function paints(
  browser: Browser,
  hive: TestHive,
  session: BrowserContextOptions,
  { times, settle }: { times: number; settle: number },
): Promise<Paints> {
  const seen: Paints = { live: [], first: [], weight: 0 };
  for (let nth = 0; nth <= times; nth++) {
    const context = await browser.newContext(session);
    const page = await context.newPage();
    await page.addInitScript((agents) => {
      const look = (): void => {
        const isThere =
          document.querySelectorAll("[aria-label=agents] article.row").length >= agents &&
          document.querySelector("article.msg") !== null &&
          document.querySelector(".conn.green") !== null;
        // In the next frame the rows are painted. Logged to the console, because polling would interrupt the page.
        if (isThere) requestAnimationFrame(() => console.log("live", performance.now()));
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    }, NAMES.length + 1);
    await page.waitForTimeout(settle);
    const said = page.waitForEvent("console", (line) => line.text().startsWith("live "));
    await page.goto(hive.home, { waitUntil: "commit" });
    const live = Number((await said).text().split(" ")[1]);
    // Parts that are loaded after the first rows belong to the first load, too.
    await page.waitForTimeout(500);
    const { first, weight } = await page.evaluate(() => ({
      first: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
      weight: performance
        .getEntriesByType("resource")
        .filter((one) => one.name.endsWith(".js"))
        .reduce((sum, one) => sum + (one as PerformanceResourceTiming).encodedBodySize, 0),
    }));
    await context.close();
    // The first load warms the machine up.
    if (nth === 0) continue;
    seen.live.push(live);
    seen.first.push(first);
    seen.weight = weight;
  }
  return seen;
}

async function firstPaint(browser: Browser, hive: TestHive, session: BrowserContextOptions, times: number): Promise<Figure[]> {
  const { live, first, weight } = await paints(browser, hive, session, { times, settle: SETTLE_MS });
  const fresh = await paints(browser, hive, session, { times: Math.min(times, FRESH), settle: 0 });
  const ms = (values: number[], share: number): string => `${Math.round(percentile(values, share))} ms`;
  const words = `dashboard of 12 agents and ${MESSAGES} messages: navigation → live rows, p50, empty cache`;
  return [
    {
      what: words,
      value: percentile(live, 0.5),
      unit: "ms",
      reach: { most: 400 },
      detail: `p90 ${ms(live, 0.9)}, first content ${ms(first, 0.5)}, of ${times} loads`,
    },
    {
      what: "the same in a window that is only just being opened",
      value: percentile(fresh.live, 0.5),
      unit: "ms",
      detail: `p90 ${ms(fresh.live, 0.9)}, first content ${ms(fresh.first, 0.5)}`,
    },
    {
      what: "JavaScript of the first load, compressed as it is served",
      value: weight / 1000,
      unit: "kB",
      reach: { most: 160 },
      detail: `${weight} bytes`,
    },
  ];
}

/** What is recorded in a page during a phase. */
interface Looked {
  frames: number[];
  tasks: number[];
}

/** Records frames and long tasks of a page until they are read. */
const startLooking = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const looked: Looked = { frames: [], tasks: [] };
    let last = performance.now();
    let isOver = false;
    const frame = (): void => {
      const now = performance.now();
      looked.frames.push(now - last);
      last = now;
      if (!isOver) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    const watch = new PerformanceObserver((list) => looked.tasks.push(...list.getEntries().map((one) => one.duration)));
    watch.observe({ entryTypes: ["longtask"] });
    Object.assign(globalThis, {
      stopLooking: () => {
        isOver = true;
        watch.disconnect();
        return looked;
      },
    });
  });
const stopLooking = (page: Page): Promise<Looked> =>
  page.evaluate(() => (globalThis as unknown as { stopLooking: () => Looked }).stopLooking());

/** Bytes of the page's heap after garbage collection. */
async function heap(cdp: CDPSession): Promise<number> {
  for (let nth = 0; nth < 3; nth++) await cdp.send("HeapProfiler.collectGarbage");
  return (await cdp.send("Runtime.getHeapUsage")).usedSize;
}

async function storm(browser: Browser, hive: TestHive, session: BrowserContextOptions, lasts: number): Promise<Figure[]> {
  const { revision } = (await hive.call("state", { messages: 0 })).state.hive;
  const lines = await openLines({ path: hive.agentSocket(STORMY) });
  await hello(lines, revision, await generationOf(hive, STORMY));
  const context = await browser.newContext(session);
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await page.goto(`${hive.home}/agent/${STORMY}`);
  await page.locator("[data-seq]").first().waitFor();
  const source = new Source(lines);

  await source.fill(EVENTS);
  await page.getByText(source.last).waitFor();
  const before = await heap(cdp);

  await startLooking(page);
  await source.storm(lasts);
  await page.getByText(source.last).waitFor();
  const following = await stopLooking(page);
  const after = await heap(cdp);

  // Again, now with a reader who scrolls up meanwhile.
  await page.locator(".tail").hover();
  const blowing = source.storm(QUICK_STORM_MS);
  await startLooking(page);
  for (let nth = 0; nth < 150; nth++) {
    await page.mouse.wheel(0, nth % 50 < 40 ? -240 : 240);
    await page.waitForTimeout(30);
  }
  const reading = await stopLooking(page);
  await blowing;
  lines.close();
  await context.close();

  const longest = (looked: Looked): number => Math.max(0, ...looked.tasks);
  const frames = ({ frames: all }: Looked): string =>
    `p50 ${percentile(all, 0.5).toFixed(1)}, p99 ${percentile(all, 0.99).toFixed(1)}, longest ${Math.max(...all).toFixed(0)} ms of ${all.length}`;
  const words = `an event every ${EVERY_MS} ms for ${lasts / 1000} s on ${EVENTS}`;
  return [
    {
      what: `storm (${words}): longest task of the page`,
      value: Math.max(longest(following), longest(reading)),
      unit: "ms",
      reach: { most: 100 },
      detail: `${following.tasks.length} tasks over 50 ms while it follows, ${reading.tasks.length} while one scrolls`,
    },
    {
      what: "storm: frames while the tail follows, p95",
      value: percentile(following.frames, 0.95),
      unit: "ms",
      reach: { most: 34 },
      detail: frames(following),
    },
    {
      what: "storm: frames while one scrolls, p95",
      value: percentile(reading.frames, 0.95),
      unit: "ms",
      reach: { most: 34 },
      detail: frames(reading),
    },
    {
      what: `storm: heap of the page after it, against after ${EVENTS} events`,
      value: after / before,
      unit: "×",
      reach: { most: 1.1 },
      detail: `${(after / 1e6).toFixed(1)} / ${(before / 1e6).toFixed(1)} MB`,
    },
  ];
}

/** Sends events as the harness of the agent in the storm. */
class Source {
  readonly #lines: Lines;
  #n = 0;
  constructor(lines: Lines) {
    this.#lines = lines;
  }
  /** The text of the newest event. */
  get last(): string {
    return `event number ${this.#n}.`;
  }
  #publish(count: number): void {
    const at = new Date().toISOString();
    const events = Array.from({ length: count }, () => {
      const n = ++this.#n;
      return { n, at, event: { type: "text", text: `event number ${n}. ${"word ".repeat(n % 60)}` } };
    });
    this.#lines.write(`${JSON.stringify({ cmd: "publish", id: 1, events })}\n`);
  }
  async fill(count: number): Promise<void> {
    for (let done = 0; done < count; done += GROUP) {
      this.#publish(GROUP);
      await this.#lines.next();
      await new Promise((resolve) => setTimeout(resolve, FILL_PAUSE_MS));
    }
  }
  /** Sends single events at the average rate given. A late tick is made up for by the next. */
  async storm(lasts: number): Promise<void> {
    const start = performance.now();
    let sent = 0;
    let answered = 0;
    while (performance.now() - start < lasts) {
      for (const due = (performance.now() - start) / EVERY_MS; sent < due; sent++) this.#publish(1);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
    for (; answered < sent; answered++) await this.#lines.next();
  }
}

/** From the click on a running turn until the page shows that it was handled. */
async function cancels(browser: Browser, hive: TestHive, session: BrowserContextOptions, times: number): Promise<Figure[]> {
  await hive.call("start", { scope: { agent_names: [SPEAKER] } });
  const context = await browser.newContext(session);
  const page = await context.newPage();
  await page.goto(`${hive.home}/agent/${SPEAKER}`);
  await page.getByRole("textbox").first().waitFor();
  const seen: number[] = [];
  const over: number[] = [];
  for (let nth = 0; nth < times; nth++) {
    await hive.call("send", { to: SPEAKER, body: `tell ${nth}` });
    const button = page.getByRole("button", { name: "cancel turn" });
    await button.waitFor();
    await page.locator(".writing").waitFor();
    await page.evaluate(() =>
      document.addEventListener(
        "click",
        ({ timeStamp }) => {
          const look = (): void => {
            if (document.querySelector(".head button[aria-busy=true]"))
              requestAnimationFrame(() => Object.assign(globalThis, { heard: performance.now() - timeStamp }));
            else requestAnimationFrame(look);
          };
          const wait = (): void => {
            if (document.querySelector(".head button.no")) requestAnimationFrame(wait);
            else Object.assign(globalThis, { over: performance.now() - timeStamp });
          };
          requestAnimationFrame(look);
          requestAnimationFrame(wait);
        },
        { capture: true, once: true },
      ),
    );
    await button.click();
    await page.waitForFunction(() => "heard" in globalThis && "over" in globalThis);
    const one = await page.evaluate(() => {
      const { heard, over: end } = globalThis as unknown as { heard: number; over: number };
      Reflect.deleteProperty(globalThis, "heard");
      Reflect.deleteProperty(globalThis, "over");
      return { heard, end };
    });
    seen.push(one.heard);
    over.push(one.end);
  }
  await context.close();
  return [
    {
      what: "cancel: click on a running turn → the page shows it, the slowest",
      value: Math.max(...seen),
      unit: "ms",
      reach: { most: 100 },
      detail: `p50 ${percentile(seen, 0.5).toFixed(0)} ms; the turn is over on the page after p50 ${percentile(over, 0.5).toFixed(0)} ms`,
    },
  ];
}
