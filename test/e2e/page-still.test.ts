import type { Browser, Locator, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { busyHive } from "../lib/busy-hive.ts";
import { aChange, aHive, aMessage, anAgent, anApproval, aQuestion, diffFiles, textLines } from "../lib/fixtures.ts";
import type { AgentView } from "../../src/wire/agent.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openPage } from "../lib/fixture-page.ts";
import { openCall, usePages } from "../lib/pages.ts";

/** Nothing jumps when events arrive: boxes are measured before and after. */

let browser: Browser;
let hive: FixtureHive;
usePages(busyHive, (theBrowser, theHive) => {
  browser = theBrowser;
  hive = theHive;
});

/** The box of each of these (top, left, width, height), by its text or name. */
const boxes = (list: Locator): Promise<Record<string, number[]>> =>
  list.evaluateAll((all) =>
    Object.fromEntries(
      all.map((one, n) => {
        const { top, left, width, height } = one.getBoundingClientRect();
        return [one.ariaLabel ?? `${n} ${one.className}`, [top, left, width, height].map(Math.round)];
      }),
    ),
  );
/** Resolves once earlier events are on the page: they are drawn together with this one. */
async function told(page: Page): Promise<void> {
  hive.tell({ kind: "hive", hive: aHive({ tokens_today: 0, operator_unread: 77, read_up_to: 13 }) });
  await expect.poll(() => page.title()).toMatch(/^\((?:7|8|9)\d\)/);
}

describe.each([1440, 390])("at %i px", (width) => {
  const viewport = { width, height: 844 };

  test("the agents' rows: a turn begins and ends, status, unread, figures", async () => {
    const { page, problems } = await openPage(browser, hive, "/?tab=swarm", { viewport });
    const rows = page.getByRole("region", { name: "agents" }).getByRole("listitem");
    // What the panels below fetch has been loaded, too.
    await page.locator(".meta .o").first().waitFor({ state: "attached" });
    const bars = page.locator("header.bar, main.dashboard, .col:visible > section:visible, nav.tabs");
    const before = [await boxes(rows), await boxes(bars)];
    const was = new Map(hive.state.agents.map((agent) => [agent.name, agent]));
    const change = (name: string, extra: Partial<AgentView>): void => {
      const agent = was.get(name);
      if (agent) hive.tell({ kind: "agent", agent: { ...agent, ...extra } });
    };
    const turn = {
      state: "thinking",
      state_since: new Date().toISOString(),
      turn: 120,
      turn_started_at: new Date().toISOString(),
    } as const;
    change("hm1nd", { state: "idle", turn_started_at: undefined, status_text: "waits", unread: 0 });
    change("scout", { ...turn, status_text: undefined });
    change("librarian", { ...turn, paused: false, status_text: "files what scout found", unread: 12, cost_today_usd: 12.5 });
    hive.tell({ kind: "message", seq: 6001, message: aMessage("scout", "operator", "found it", { id: 6001 }) });
    await told(page);
    expect([await boxes(rows), await boxes(bars)]).toEqual(before);
    expect(problems).toEqual([]);
  });

  test("the message flow, while the reader is further up: new messages, and state changes of old ones", async () => {
    hive.state.messages = Array.from({ length: 80 }, (_, n) =>
      aMessage(n % 3 === 0 ? "operator" : "scout", "hm1nd", `word ${n} `.repeat(1 + (n % 12)), {
        id: 100 + n,
        seq: 100 + n,
        state: "queued",
      }),
    );
    const { page, problems } = await openPage(browser, hive, "/?tab=flow", { viewport });
    const flow = page.getByRole("log", { name: "messages" });
    await flow.getByText("word 79").first().waitFor();
    const rows = flow.locator("article.msg");
    await expect.poll(() => rows.count()).toBe(80);
    await flow.hover();
    await page.mouse.wheel(0, -900);
    const atEnd = (): Promise<number> => flow.evaluate((at) => at.scrollHeight - at.scrollTop - at.clientHeight);
    await expect.poll(atEnd).toBeGreaterThan(400);
    const shown = page.locator("#m120, #m140, #m150, #m160, #m165, #m170, .flow .compose");
    await page.locator("#m160").waitFor();
    let last = -1;
    await expect.poll(async () => [last, (last = await atEnd())]).toSatisfy(([a, b]: number[]) => a === b);
    const before = await boxes(shown);
    for (let n = 0; n < 10; n++) {
      hive.tell({
        kind: "message",
        seq: 7000 + n,
        message: aMessage("hm1nd", "scout", `new ${n}`, { id: 7000 + n, seq: 7000 + n }),
      });
      const id = 100 + n * 8;
      const state = (["leased", "done", "dead", "dropped", "held"] as const)[n % 5] ?? "done";
      const message = {
        ...(hive.state.messages[n * 8] as ReturnType<typeof aMessage>),
        seq: 7100 + n,
        state,
        redelivered: n % 2 === 0,
      };
      hive.tell({ kind: "message", seq: 7100 + n, message: { ...message, id } });
    }
    await told(page);
    await expect.poll(() => rows.count()).toBe(90);
    expect(await boxes(shown)).toEqual(before);
    expect(problems).toEqual([]);
  });

  test("an agent's page: the visible rows stay, whatever the turn, the status and the inbox do", async () => {
    const many = textLines("scout", 300);
    hive.answers.turn_events = ({ before }) => ({ events: before === undefined ? many : [], more: false });
    const { page, problems } = await openPage(browser, hive, "/agent/scout", { viewport });
    const tail = page.getByRole("log", { name: "turns of scout" });
    await tail.getByText("line 299").waitFor();
    const frame = page.locator(".head, .term, .tail, .compose");
    const still = await boxes(frame);
    await tail.hover();
    await page.mouse.wheel(0, -2000);
    await page.locator(".pill").waitFor();
    const inSight = tail.locator(".tail-row");
    const tops = (): Promise<Record<string, number>> =>
      inSight.evaluateAll((all) =>
        Object.fromEntries(all.map((one) => [one.textContent, Math.round(one.getBoundingClientRect().top)])),
      );
    let last = "";
    await expect.poll(async () => [last, (last = JSON.stringify(await tops()))]).toSatisfy(([a, b]: string[]) => a === b);
    const before = await tops();
    const scout = anAgent("scout", { status_text: "thinking of something else", deployed_sha: "77c0de91aa04" });
    hive.tell({
      kind: "agent",
      agent: {
        ...scout,
        state: "thinking",
        turn: 13,
        turn_started_at: new Date().toISOString(),
        unread: 9,
        context_tokens: 141_000,
        context_window: 200_000,
      },
    });
    for (let n = 0; n < 20; n++)
      hive.tell({
        kind: "turn",
        seq: 9000 + n,
        turn: { seq: 9000 + n, agent: "scout", at: new Date().toISOString(), event: { type: "text", text: `new ${n}` } },
      });
    await page.getByRole("button", { name: "↓ 20 new" }).waitFor();
    await page.locator(".head").getByText("thinking").first().waitFor();
    const after = await tops();
    for (const [words, top] of Object.entries(before)) if (words in after) expect(after[words], words).toBe(top);
    expect(Object.keys(before).filter((words) => words in after).length).toBeGreaterThan(10);
    expect(await boxes(frame)).toEqual(still);
    expect(problems).toEqual([]);
  });

  test.each(["request 42: config change for scout", "change 12: web #12 of scout"])(
    "%s: no button can be pressed until the diff is there, because the diff moves the buttons",
    async (name) => {
      let end = (): void => {};
      const read = new Promise<void>((resolve) => (end = resolve));
      hive.state = { ...hive.state, changes: [aChange({ id: 12 })] };
      hive.answers.show = async () => {
        await read;
        return { approval: anApproval(), files: diffFiles(), cut: false };
      };
      hive.answers.change = async () => {
        await read;
        return { change: aChange({ id: 12 }), files: diffFiles(), cut: false, comments: [] };
      };
      const { page, problems } = await openPage(browser, hive, "/", { viewport });
      const card = await openCall(page, name);
      const deny = card.locator("button.deny, button.no").first();
      const meets = (): Promise<boolean> =>
        deny.evaluate((one) => {
          const { left, top, width: wide, height } = one.getBoundingClientRect();
          return one.contains(document.elementFromPoint(left + wide / 2, top + height / 2));
        });
      await deny.scrollIntoViewIfNeeded();
      expect(await meets()).toBe(false);
      end();
      await card.getByRole("group", { name: /the diff$/ }).waitFor();
      await deny.scrollIntoViewIfNeeded();
      expect(await meets()).toBe(true);
      expect(problems).toEqual([]);
    },
  );

  test("what waits: while the pointer or the focus is among the cards, new ones are added last and nothing moves", async () => {
    const { page, problems } = await openPage(browser, hive, "/", { viewport });
    const cards = page.locator(".calls .card");
    await (await openCall(page, /^request 42/)).hover();
    await page.getByRole("group", { name: "the diff" }).waitFor();
    const count = await cards.count();
    const measured = async (): Promise<unknown> => [
      Object.entries(await boxes(cards)).slice(0, count),
      await boxes(page.locator("header.bar, .col:visible > section:visible, nav.tabs")),
    ];
    const before = await measured();
    hive.tell({
      kind: "approval",
      seq: 7000,
      approval: anApproval({ id: 50, seq: 7000, kind: "spawn", agent: "guest", requested_at: new Date().toISOString() }),
    });
    hive.tell({
      kind: "question",
      seq: 7001,
      question: aQuestion("What now?", { id: 51, seq: 7001, asked_at: new Date().toISOString() }),
    });
    await page.getByRole("article", { name: "request 50: spawn for guest" }).waitFor();
    await page.getByRole("article", { name: "question 51 of hm1nd" }).waitFor();
    expect(await measured()).toEqual(before);
    // A card that leaves moves the others anyway: then what blocks an agent comes first, under the pointer too.
    hive.tell({
      kind: "question",
      seq: 7002,
      question: aQuestion("What now?", { id: 51, seq: 7002, state: "answered", asked_at: new Date().toISOString() }),
    });
    await expect.poll(async () => Object.keys(await boxes(cards)).indexOf("request 50: spawn for guest")).toBe(1);
    // Once both have left, the open card stays open.
    await page.getByRole("link", { name: "history" }).last().focus();
    await page.mouse.move(2, 2);
    await expect.poll(async () => Object.keys(await boxes(cards)).indexOf("request 50: spawn for guest")).toBe(1);
    // A card that is one line shows that it is dangerous, also to a screen reader.
    const line = page.getByRole("article", { name: "request 50: spawn for guest" });
    await line.getByRole("button", { name: /guest.*1 danger mark/ }).waitFor();
    expect(await line.getByText("⚠ 1").getAttribute("aria-hidden")).toBe("true");
    expect(await page.locator(".calls .card:not(.line)").getAttribute("aria-label")).toMatch(/^request 42/);
    expect(problems).toEqual([]);
  });
});
