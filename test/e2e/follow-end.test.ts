import type { Browser, Locator } from "playwright-core";
import { describe, expect, test } from "vitest";
import { busyHive } from "../lib/busy-hive.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openPage } from "../lib/fixture-page.ts";
import { usePages } from "../lib/pages.ts";
import { aMessage, events } from "../lib/fixtures.ts";

/** Lists that follow their end: only the reader stops that, whatever else moves. */

let browser: Browser;
let hive: FixtureHive;
usePages(busyHive, (theBrowser, theHive) => {
  browser = theBrowser;
  hive = theHive;
  const many = events(
    "scout",
    Array.from({ length: 300 }, (_, n) => ({ type: "text" as const, text: `line ${n}\n\n`.repeat(1 + (n % 3)) })),
  );
  hive.answers.turn_events = ({ before }) => ({ events: before === undefined ? many : [], more: false });
});

let seq = 50_000;
const tell = (text: string): void =>
  hive.tell({
    kind: "turn",
    seq: ++seq,
    turn: { seq, agent: "scout", at: new Date().toISOString(), event: { type: "text", text } },
  });
const below = (list: Locator): Promise<number> =>
  list.evaluate((at) => Math.round(at.scrollHeight - at.scrollTop - at.clientHeight));

/** Waits until the rows are shown as Markdown: they change their heights once, when its parser has loaded. */
const rendered = (list: Locator): Promise<void> => expect.poll(() => list.locator(".as-written").count()).toBe(0);

describe.each([1440, 390])("at %i px", (width) => {
  test("the tail stays at its end while the box below it grows, the window shrinks and events come", async () => {
    const { page, problems } = await openPage(browser, hive, "/agent/scout", { viewport: { width, height: 900 } });
    const tail = page.getByRole("log", { name: "turns of scout" });
    const box = page.getByRole("textbox", { name: "message to scout" });
    await tail.getByText("line 299").first().waitFor();
    await expect.poll(() => below(tail)).toBe(0);
    const before = await tail.evaluate((at) => at.clientHeight);

    hive.answers.send = () => new Promise(() => {});
    await box.fill("a message that the hive takes its time with");
    await box.press("Enter");
    await page.getByText("sending: a message").waitFor();
    await expect.poll(() => below(tail)).toBe(0);
    await box.fill("a long draft\n".repeat(12));
    await expect.poll(() => below(tail)).toBe(0);
    await page.setViewportSize({ width, height: 600 });
    await expect.poll(() => tail.evaluate((at) => at.clientHeight)).toBeLessThan(before - 200);
    await expect.poll(() => below(tail)).toBe(0);
    for (let n = 0; n < 60; n++) {
      tell(`new ${n}\n\n`.repeat(1 + (n % 4)));
      if (n % 20 === 0) await page.setViewportSize({ width, height: 620 + n });
    }
    await tail.getByText("new 59").first().waitFor();
    await expect.poll(() => below(tail)).toBe(0);
    expect(await page.locator(".pill").count()).toBe(0);
    expect(problems).toEqual([]);
  });

  test("the message flow does, too", async () => {
    hive.state.messages = Array.from({ length: 80 }, (_, n) =>
      aMessage("scout", "hm1nd", `word ${n}`, { id: 100 + n, seq: 100 + n }),
    );
    const viewport = { width, height: 900 };
    const { page, problems } = await openPage(browser, hive, "/?tab=flow", { viewport });
    const flow = page.getByRole("log", { name: "messages" });
    await flow.getByText("word 79").waitFor();
    await expect.poll(() => below(flow)).toBe(0);
    const box = page.getByRole("textbox", { name: /message to/ });
    await box.fill("a long draft\n".repeat(12));
    await page.setViewportSize({ width, height: 600 });
    await expect.poll(() => flow.evaluate((at) => at.clientHeight)).toBeLessThan(500);
    await expect.poll(() => below(flow)).toBe(0);
    hive.tell({ kind: "message", seq: 900, message: aMessage("hm1nd", "scout", "the newest", { id: 900, seq: 900 }) });
    await flow.getByText("the newest").waitFor();
    await expect.poll(() => below(flow)).toBe(0);
    expect(problems).toEqual([]);
  });
});

test("a late scroll event, fired after the list has become lower, is not taken for the reader's", async () => {
  const { page } = await openPage(browser, hive, "/agent/scout");
  const tail = page.getByRole("log", { name: "turns of scout" });
  await tail.getByText("line 299").first().waitFor();
  await expect.poll(() => below(tail)).toBe(0);
  await tail.evaluate((at) => {
    const box = document.querySelector<HTMLElement>(".compose textarea");
    if (box) box.style.height = "300px";
    // The list is now 300 pixels from its end, and did not move.
    at.dispatchEvent(new Event("scroll", { bubbles: true }));
  });
  await expect.poll(() => below(tail)).toBe(0);
  expect(await page.locator(".pill").count()).toBe(0);
});

test("during a storm one turn of the wheel stops following, and one press returns to the end", async () => {
  const { page } = await openPage(browser, hive, "/agent/scout");
  const tail = page.getByRole("log", { name: "turns of scout" });
  await tail.getByText("line 299").first().waitFor();
  await rendered(tail);
  let n = 0;
  const storm = setInterval(() => tell(`storm ${n++}`), 5);
  try {
    await tail.hover();
    await tail.getByText("storm 20").waitFor();
    await page.mouse.wheel(0, -300);
    const pill = page.getByRole("button", { name: /↓ \d+ new/ });
    await pill.waitFor();
    // More events arrive, and nothing moves.
    const there = await tail.evaluate((at) => at.scrollTop);
    const height = await tail.evaluate((at) => at.scrollHeight);
    await expect.poll(() => tail.evaluate((at) => at.scrollHeight)).toBeGreaterThan(height + 200);
    expect(Math.abs((await tail.evaluate((at) => at.scrollTop)) - there)).toBeLessThan(301);
    await pill.click();
    await pill.waitFor({ state: "detached" });
  } finally {
    clearInterval(storm);
  }
  await expect.poll(() => below(tail)).toBe(0);
});

test("in a tail of many thousand events the reader can scroll back to the first, and the visible rows do not move", async () => {
  const page1 = events(
    "scout",
    Array.from({ length: 300 }, (_, n) => ({ type: "text" as const, text: `old ${n}` })),
  );
  hive.answers.turn_events = ({ before }) => ({
    events: before === undefined ? page1.slice(200) : page1.slice(0, 200),
    more: before === undefined,
  });
  const { page, problems } = await openPage(browser, hive, "/agent/scout");
  const tail = page.getByRole("log", { name: "turns of scout" });
  await tail.getByText("old 299").waitFor();
  for (let n = 0; n < 4500; n++) tell(`event ${n}`);
  await tail.getByText("event 4499").waitFor();
  await expect.poll(() => below(tail)).toBe(0);
  // A list of all events would be this high. It has only the newest until the reader scrolls up.
  expect(await tail.evaluate((at) => at.scrollHeight)).toBeLessThan(3600 * 26);
  const seen = new Set<number>();
  const read = async (): Promise<void> => {
    for (const words of await tail.locator(".tail-row").allTextContents()) {
      const at = /event (\d+)/.exec(words)?.[1];
      if (at !== undefined) seen.add(Number(at));
    }
  };
  // By less than the overscan, so that every row is met.
  await tail.hover();
  await page.mouse.wheel(0, -100);
  await page.locator(".pill").waitFor();
  while ((await tail.getByText("old 0", { exact: true }).count()) === 0) {
    await read();
    await tail.evaluate((at) => {
      at.scrollTop -= at.clientHeight;
      return new Promise<void>((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
    });
  }
  await read();
  expect(Array.from({ length: 4500 }, (_, n) => n).filter((n) => !seen.has(n))).toEqual([]);
  await page.locator(".pill").click();
  await tail.getByText("event 4499").waitFor();
  expect(problems).toEqual([]);
});
