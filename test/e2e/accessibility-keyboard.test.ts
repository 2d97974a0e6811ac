import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { HiveError } from "../../src/wire/error.ts";
import { findings } from "../lib/axe.ts";
import { sharedBrowser } from "../lib/browser.ts";
import { busyHive } from "../lib/busy-hive.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openOwnPage, openPage, releasePages } from "../lib/fixture-page.ts";
import { anApproval } from "../lib/fixtures.ts";
import { Keyboard, type Stop } from "../lib/keyboard.ts";
import { drawn, follow } from "../lib/page-scenes.ts";

/** What axe cannot check: the order and names of focus stops, and that dialogs trap the focus and return it. */

let browser: Browser;
let hive: FixtureHive;
beforeAll(async () => {
  browser = await sharedBrowser();
  hive = await busyHive().start();
  hive.state.approvals.push(anApproval({ id: 44, agent: "hm1nd", state: "waiting" }));
});
afterEach(releasePages);
afterAll(() => hive.stop());

/** A leet word, which is only for the eye. */
const LEET = /\d[A-Z]{2,}|[A-Z]{2,}\d/;

/** Expects that every stop has a plain name and is visible, and that these stops come in this order. */
function expectOrder(stops: readonly Stop[], order: readonly string[]): void {
  const names = stops.map(({ role, name }) => `${role}: ${name}`);
  expect(stops.filter(({ name }) => name === "" || LEET.test(name))).toEqual([]);
  expect(stops.filter(({ isSeen }) => !isSeen)).toEqual([]);
  let from = 0;
  for (const name of order) {
    const at = names.indexOf(name, from);
    expect(at, `${name} after ${names[from - 1] ?? "the beginning"} in\n${names.join("\n")}`).toBeGreaterThanOrEqual(0);
    from = at + 1;
  }
}

test.each([
  [
    "/?card=request-42",
    ".mini .a",
    [
      "link: hyperhive",
      "link: swarm",
      "button: + request spawn",
      "link: hm1nd",
      "button: more for scout",
      "link: old-timer",
      "button: purge…",
      "button: ◆ approve 1bfaf24abcde",
      "button: deny…",
      "button: mark read",
      "combobox: show only messages of",
      "searchbox: search all messages",
      "textbox: message to hm1nd",
    ],
  ],
  [
    "/approval/42",
    ".ln",
    [
      "link: ← your call",
      "combobox: against:",
      "button: unified",
      "button: split",
      "button: agent.json",
      "region: changes of agent.json",
      "region: changes of crawler.mjs",
      "button: ◆ approve 1bfaf24abcde",
      "button: deny…",
    ],
  ],
  [
    "/agent/scout",
    ".side figure",
    [
      "link: ← hive",
      "button: pause",
      "button: new session",
      "button: logs",
      "button: config",
      "log: turns of scout",
      "textbox: message to scout",
      "complementary: about scout",
      "button: 24h",
      "link: every turn in a table",
      "link: all its messages",
    ],
  ],
  ["/login", "form", ["textbox: Launch link or token", "button: log in"]],
])("the focus goes through %s in reading order", async (path, whole, order) => {
  const { page } = await openPage(browser, hive, path);
  await page.locator(whole).first().waitFor();
  const keyboard = await Keyboard.of(page);
  await leaveBox(page);
  // Without a focus the browser continues from where it last was. Start at the top, as after a click on the page.
  await page.locator("body").evaluate((body) => {
    body.tabIndex = -1;
    body.focus();
  });
  expectOrder(await keyboard.walk(), order);
});

test("panels have plain names, leet is for the eye only", async () => {
  const { page } = await openPage(browser, hive);
  const names = await page
    .getByRole("heading", { level: 2 })
    .evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
  expect(names).toEqual([
    "agents",
    "kept state",
    "meta inputs",
    "your call: what waits for you",
    "operator inbox",
    "message flow",
  ]);
});

interface Layer {
  what: string;
  path: string;
  /** Opens it, with the keyboard where that is the usual way. `back` is the element that gets the focus back. */
  open: (page: Page) => Promise<void>;
  back: string;
  /** Its stops in order; empty where the focus stays on the whole layer. */
  order: readonly string[];
}

/** The focus starts in the text box. This moves it to the top of the page. */
const leaveBox = (page: Page): Promise<void> => page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());

/** Presses a button with the keyboard. */
const press = async (page: Page, name: string | RegExp, role: "button" | "link" = "button"): Promise<void> => {
  const button = page.getByRole(role, { name, exact: true }).first();
  await button.focus();
  await page.keyboard.press("Enter");
};
const choose = async (page: Page, entry: string): Promise<void> => {
  await press(page, "more for scout");
  await page.getByRole("menu").waitFor();
  await page.getByRole("menuitem", { name: entry, exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor({ state: "detached" });
};

const LAYERS: readonly Layer[] = [
  {
    what: "destroy",
    path: "/?tab=swarm",
    open: (page) => choose(page, "destroy…"),
    back: "button: more for scout",
    order: ["button: destroy, keep its state", "button: back"],
  },
  {
    what: "destroy and purge",
    path: "/?tab=swarm",
    open: (page) => choose(page, "destroy and purge…"),
    back: "button: more for scout",
    order: ["button: purge for good", "button: back"],
  },
  {
    what: "the purge of kept state",
    path: "/?tab=swarm",
    open: (page) => press(page, "purge…"),
    back: "button: purge…",
    order: ["button: purge for good", "button: back"],
  },
  {
    what: "the spawn form",
    path: "/?tab=swarm",
    open: (page) => press(page, /^\+ (?:request )?spawn$/),
    back: "button: + request spawn",
    order: ["button: close", "textbox: name", "textbox: what it is for", "button: ◆ request"],
  },
  {
    what: "the log of a cage",
    path: "/?tab=swarm",
    open: (page) => choose(page, "logs"),
    back: "button: more for scout",
    order: ["button: close", "log: log of scout"],
  },
  {
    what: "a thread",
    path: "/?tab=flow",
    open: (page) => press(page, "in turn", "link"),
    back: "link: in turn",
    order: ["button: close"],
  },
  {
    what: "the keys of the dashboard",
    path: "/?tab=call",
    open: async (page) => {
      await leaveBox(page);
      await page.keyboard.press("j");
      await page.keyboard.press("?");
    },
    // A card is not a stop itself; its first stop is.
    back: "link: spawn #43",
    order: ["button: close"],
  },
  {
    what: "the keys of a request",
    path: "/approval/42",
    open: async (page) => {
      await page.keyboard.press("j");
      await page.keyboard.press("?");
    },
    back: "button: agent.json",
    order: ["button: close"],
  },
  {
    what: "the commands of an agent",
    path: "/agent/scout",
    open: async (page) => {
      const box = page.getByRole("textbox", { name: "message to scout" });
      await box.fill("/help");
      await box.press("Enter");
    },
    back: "textbox: message to scout",
    order: ["button: close"],
  },
  {
    what: "the config of an agent",
    path: "/agent/scout",
    open: (page) => press(page, "config"),
    back: "button: config",
    order: ["tab: agent.json", "button: edit…", "tabpanel: agent.json", "button: close"],
  },
  {
    what: "a deploy that does not wait",
    path: "/?tab=call&card=request-44",
    open: (page) => press(page, "do not wait…"),
    back: "button: do not wait…",
    order: ["button: stop the turn, deploy now", "button: back"],
  },
];

const open = async (path: string, width: number) => {
  const { page } = await openPage(browser, hive, path, { viewport: { width, height: 850 }, reducedMotion: "reduce" });
  return { page, keyboard: await Keyboard.of(page) };
};
const where = ({ role, name }: Stop): string => `${role}: ${name}`;
const LAYER = "[role=dialog], [role=alertdialog]";

/** The window of a desktop in which the layers open one after the other: without a load for each. */
const desk = (() => {
  let opened: Promise<Awaited<ReturnType<typeof openOwnPage>> & { keyboard: Keyboard }> | undefined;
  return {
    show: async (path: string): Promise<{ page: Page; keyboard: Keyboard }> => {
      opened ??= openOwnPage(browser, hive).then(async (own) => ({ ...own, keyboard: await Keyboard.of(own.page) }));
      const { page, keyboard } = await opened;
      await follow(page, path);
      await drawn(page);
      return { page, keyboard };
    },
    close: async (): Promise<void> => (await opened)?.context.close(),
  };
})();
afterAll(desk.close);

test.each(LAYERS)("$what traps the focus, and returns it on Escape", async ({ path, open: opened, back, order }) => {
  const { page, keyboard } = await desk.show(path);
  if (path.startsWith("/approval")) await page.locator(".ln").first().waitFor();
  await opened(page);
  const layer = page.locator(LAYER);
  await layer.waitFor();
  for (const width of [390, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    expect(await findings(page, LAYER), `at ${width} px`).toEqual([]);
  }
  await expect.poll(async () => (await keyboard.at()).isInside).toBe(true);
  const stops: Stop[] = [];
  for (let n = 0; n < order.length + 3; n++) stops.push(await keyboard.press("Tab"));
  stops.push(await keyboard.press("Shift+Tab"));
  expect(stops.filter(({ isInside }) => !isInside)).toEqual([]);
  expectOrder([...stops, ...stops], order);
  await page.keyboard.press("Escape");
  await layer.waitFor({ state: "detached" });
  await expect.poll(async () => where(await keyboard.at())).toBe(back);
});

test("a dialog over a drawer: Escape closes one at a time", async () => {
  const { page, keyboard } = await open("/?tab=swarm", 1440);
  await choose(page, "deploys and roll back");
  await press(page, "roll back here…");
  await page.getByRole("alertdialog").waitFor();
  expect(await findings(page, "[role=alertdialog]")).toEqual([]);
  for (const key of ["Tab", "Tab", "Tab", "Shift+Tab"]) expect(await keyboard.press(key)).toMatchObject({ isInside: true });
  await page.keyboard.press("Escape");
  await page.getByRole("alertdialog").waitFor({ state: "detached" });
  await expect.poll(async () => where(await keyboard.at())).toBe("button: roll back here…");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await expect.poll(async () => where(await keyboard.at())).toBe("button: more for scout");
  expect(hive.called("rollback")).toEqual([]);
});

describe.each([1440, 390])("at %i px", (width) => {
  test("a menu: arrows move in it, Escape returns the focus", async () => {
    const { page, keyboard } = await open("/?tab=swarm", width);
    const entries: string[] = [];
    await press(page, "more for scout");
    await page.getByRole("menu").waitFor();
    expect(await findings(page, "[role=menu]")).toEqual([]);
    for (let n = 0; n < 3; n++) {
      const stop = await keyboard.press("ArrowDown");
      expect(stop).toMatchObject({ isInside: true, isSeen: true, role: "menuitem" });
      entries.push(stop.name);
    }
    expect(new Set(entries).size).toBe(3);
    await page.keyboard.press("Escape");
    await page.getByRole("menu").waitFor({ state: "detached" });
    await expect.poll(async () => where(await keyboard.at())).toBe("button: more for scout");
    if (width < 900) {
      await press(page, "more");
      await page.getByRole("menu").waitFor();
      expect(await findings(page, "[role=menu]")).toEqual([]);
    }
  });

  test.each(["/?tab=call&card=request-42", "/approval/42"])(
    "a deny note on %s gets the focus, and Escape returns it",
    async (path) => {
      const { page, keyboard } = await open(path, width);
      await page
        .getByRole("button", { name: /approve 1bfaf24/ })
        .and(page.locator(":enabled"))
        .first()
        .waitFor();
      await press(page, "deny…");
      await expect.poll(async () => where(await keyboard.at())).toBe("textbox: note on request 42");
      expect(await findings(page, ".act")).toEqual([]);
      expectOrder([await keyboard.press("Tab"), await keyboard.press("Tab")], ["button: deny", "button: back"]);
      await keyboard.press("Shift+Tab");
      await keyboard.press("Shift+Tab");
      expect(where(await keyboard.press("Escape"))).toBe("button: deny…");
      // A note that was restored with the page does not take the focus.
      await keyboard.press("Enter");
      await page.keyboard.type("not now");
      await page.reload();
      await page.getByRole("textbox", { name: "note on request 42" }).waitFor();
      expect(await page.evaluate(() => document.activeElement?.closest(".act") ?? null)).toBe(null);
    },
  );

  test("suggestions, a refused message and toasts", async () => {
    const { page } = await open("/?tab=flow", width);
    const box = page.getByRole("textbox", { name: "message to hm1nd" });
    await box.fill("@");
    await page.getByRole("listbox").getByRole("option").first().waitFor();
    expect(await findings(page, ".flow .compose"), "suggestions").toEqual([]);
    const { send } = hive.answers;
    hive.answers.send = () => {
      throw new HiveError("too_large", "a message has at most 64 KiB");
    };
    await box.fill("hello");
    await box.press("Enter");
    await page.getByRole("alert").waitFor();
    expect(await findings(page, ".flow .compose"), "a refusal").toEqual([]);
    if (send) hive.answers.send = send;
    await page.goto(`${hive.home}/?tab=swarm`);
    await page.getByRole("listitem", { name: "scout" }).getByRole("button", { name: "pause" }).click();
    await page.locator(".toast").waitFor();
    expect(await findings(page, ".toasts"), "a toast").toEqual([]);
    await page.goto(`${hive.home}/agent/scout`);
    await page.getByRole("textbox", { name: "message to scout" }).fill("/");
    await page.getByRole("listbox").getByRole("option").first().waitFor();
    expect(await findings(page, ".compose"), "commands").toEqual([]);
  });
});
