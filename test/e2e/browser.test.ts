import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { logIn, sharedBrowser } from "../lib/browser.ts";
import { look, openCall } from "../lib/pages.ts";
import { TestHive } from "../lib/hive.ts";

/** The interface in a real browser, over a real hive. */

const EVIL =
  '<img src=x onerror="window.pwned=1"></script><script>window.pwned=1</script> [x](javascript:alert(1)) \u202Eevil\u001B[31m';
let hive: TestHive;
let browser: Browser;
beforeAll(async () => {
  hive = await new TestHive()
    .play([
      {
        when: { text: "^ask" },
        steps: [
          { tools: [{ name: "ask_operator", input: { question: "tea or coffee?", options: ["tea", "coffee"] } }] },
          { say: "asked" },
        ],
      },
      {
        when: { text: "^evil" },
        steps: [
          {
            think: EVIL,
            say: EVIL,
            tools: [
              { name: "set_status", input: { text: EVIL } },
              { name: "send", input: { to: "operator", body: EVIL } },
              { name: "Bash", input: { command: `echo '${EVIL.replaceAll("'", "")}'` } },
            ],
          },
          { say: "done" },
        ],
      },
      { when: { text: "^slow" }, steps: [{ say: "one two three four five six seven eight nine ten", chunk_ms: 150 }] },
      {
        when: { text: "^many (?<n>\\d+)" },
        steps: [
          { tools: Array.from({ length: 20 }, (_, n) => ({ name: "set_status", input: { text: `step ${n} of {{n}}` } })) },
          { say: "that was {{n}}" },
        ],
      },
      { when: { from: "system" }, steps: [{ say: "noted" }] },
      {
        when: { text: "." },
        steps: [{ tools: [{ name: "send", input: { to: "operator", body: "heard {{body}}" } }] }, { say: "done" }],
      },
    ])
    .start();
  browser = await sharedBrowser();
});
afterAll(() => hive.dispose());

/** Kills the daemon, runs `meanwhile` once every page shows the loss, and starts the daemon again on the same port. */
async function restart(of: TestHive, pages: readonly Page[], meanwhile: () => Promise<void>): Promise<void> {
  const { port } = new URL(of.home);
  await of.crash();
  for (const page of pages) await page.getByText("reconnecting").waitFor();
  await meanwhile();
  await of.start({ env: { HIVE_PORT: port } });
  for (const page of pages) await page.getByText("reconnecting").waitFor({ state: "detached" });
}

test("log in with the launch URL, write to the manager from a phone, see it live in both windows, read the answer", async () => {
  const [desk, phone] = [await logIn(browser, hive), await logIn(browser, hive, { width: 390, height: 900 })];
  expect(new URL(phone.page.url()).hash).toBe("");
  await look(phone.page, "message flow");
  await phone.page.getByRole("textbox", { name: "message to hm1nd" }).fill("@hm1nd hello");
  await phone.page.keyboard.press("Enter");
  for (const { page } of [phone, desk]) {
    const flow = page.getByRole("region", { name: "message flow" });
    const own = flow.locator("article.msg").filter({ has: page.getByText("hello", { exact: true }) });
    // Our own message with its state, then the answer.
    await own.getByText("done", { exact: true }).waitFor();
    await flow.getByText("heard hello").waitFor();
    await look(page, "operator inbox");
    await page.getByRole("region", { name: "operator inbox" }).getByText("heard hello").waitFor();
    await expect.poll(() => page.title()).toMatch(/^\(\d+\) hyperhive$/);
    await page.getByText("rehearsal", { exact: true }).waitFor();
  }
  // What one window marks as read is read in the other.
  await phone.page.getByRole("button", { name: "mark read" }).click();
  for (const { context, page, problems } of [phone, desk]) {
    await page.getByRole("button", { name: "mark read" }).waitFor({ state: "detached" });
    await context.close();
    expect(problems).toEqual([]);
  }
});

test("the agent's page streams a turn, and its prompt commands the harness", async () => {
  const { context, page, problems } = await logIn(browser, hive);
  await page.getByRole("link", { name: "hm1nd" }).first().click();
  // The dashboard's own box has the same name and stays until the page's code is loaded. Text typed there would be
  // lost.
  await page.getByRole("log", { name: "turns of hm1nd" }).waitFor();
  const prompt = page.getByRole("textbox", { name: "message to hm1nd" });
  await prompt.fill("slow please");
  await prompt.press("Enter");
  // Half a sentence first; later the whole of it, once.
  await page.getByText("one two three").first().waitFor();
  await page.getByText("one two three four five six seven eight nine ten").waitFor();
  await page
    .getByText(/ended .* ok/)
    .last()
    .waitFor();
  await prompt.fill("/frobnicate");
  await prompt.press("Enter");
  await page.getByText("there is no command /frobnicate").waitFor();
  // Refused text stays, so that it can be corrected.
  expect(await prompt.inputValue()).toBe("/frobnicate");
  await prompt.fill("/pa");
  await page.getByRole("option", { name: /\/pause/ }).waitFor();
  await prompt.press("Tab");
  expect(await prompt.inputValue()).toBe("/pause");
  await prompt.press("Enter");
  await page
    .getByText(/paused \d+s/)
    .first()
    .waitFor();
  await prompt.fill("/resume");
  await prompt.press("Enter");
  await page
    .getByText(/idle|thinking/)
    .first()
    .waitFor();
  // Typed text survives a reload.
  await prompt.fill("half a thought");
  await page.reload();
  await expect.poll(() => page.getByRole("textbox", { name: "message to hm1nd" }).inputValue()).toBe("half a thought");
  await context.close();
  expect(problems).toEqual([]);
});

test("text from agents stays text everywhere", async () => {
  const { context, page, problems } = await logIn(browser, hive);
  await hive.call("send", { to: "hm1nd", body: "evil" });
  await page.getByRole("region", { name: "operator inbox" }).getByText("<img src=x").first().waitFor();
  await page.getByRole("region", { name: "agents" }).getByText("<img src=x").waitFor();
  await page.goto(`${hive.home}/agent/hm1nd`);
  await page.getByText("<img src=x").first().waitFor();
  await page
    .getByRole("button", { name: /thinking/ })
    .first()
    .click();
  for (const path of ["/", "/agent/hm1nd"]) {
    await page.goto(`${hive.home}${path}`);
    await page.getByText("<img src=x").first().waitFor();
    expect(
      await page.evaluate(() => ({
        pwned: "pwned" in window,
        images: document.images.length,
        links: Array.from(document.links, (link) => link.protocol).filter((one) => !one.startsWith("http")),
      })),
    ).toEqual({ pwned: false, images: 0, links: [] });
    // Characters that would reverse a line are shown, not obeyed.
    expect(await page.evaluate(() => document.body.textContent?.includes("\u202E"))).toBe(false);
  }
  await context.close();
  expect(problems).toEqual([]);
});

test("two browsers: a question answered in one closes in the other; a revoked one is logged out at once", async () => {
  const one = await logIn(browser, hive);
  const two = await logIn(browser, hive);
  await hive.call("send", { to: "hm1nd", body: "ask me" });
  await Promise.all([one, two].map(({ page }) => page.getByText("tea or coffee?").first().waitFor()));
  // Events do not remove a draft in the other browser.
  await two.page.getByRole("textbox", { name: "message to hm1nd" }).fill("not sent yet");
  await one.page.getByLabel("coffee").check();
  await one.page.getByRole("button", { name: "answer" }).click();
  await Promise.all([one, two].map(({ page }) => page.getByLabel("coffee").waitFor({ state: "detached" })));
  expect(await two.page.getByRole("textbox", { name: "message to hm1nd" }).inputValue()).toBe("not sent yet");

  const { sessions } = await hive.call("sessions", {});
  await hive.call("session_revoke", { id: sessions.at(-1)?.id ?? 0 });
  await two.page.waitForURL(/\/login$/);
  expect(one.page.url()).not.toContain("login");
  await one.context.close();
  await two.context.close();
});

test("eight tabs share one event stream, all of them live; the next takes over when the first is closed", async () => {
  const { context, page, problems } = await logIn(browser, hive);
  const tabs = [page];
  for (let n = 1; n < 8; n++) {
    const tab = await context.newPage();
    await tab.goto(hive.home);
    await tab.waitForSelector("text=C0NTAINERS");
    tabs.push(tab);
  }
  const ask = await hive.browser();
  const readers = async (): Promise<number> => Number(/hive_event_readers (\d+)/.exec(await (await ask("/metrics")).text())?.[1]);
  await expect.poll(readers).toBe(1);
  const says = (words: string) =>
    Promise.all(tabs.map((tab) => tab.getByRole("region", { name: "message flow" }).getByText(words, { exact: true }).waitFor()));
  await hive.call("send", { to: "hm1nd", body: "to all tabs" });
  await says("heard to all tabs");
  await tabs.shift()?.close();
  await hive.call("send", { to: "hm1nd", body: "after the first" });
  await says("heard after the first");
  // The stream of the closed tab ends a moment after it.
  await expect.poll(readers).toBe(1);
  await context.close();
  expect(problems).toEqual([]);
});

/**
 * Chromium's errors for a request whose server stops, depending on the state of the request. The socket that is not
 * connected is a kept-alive one whose end is noticed between the check and its use (`HttpNetworkTransaction`).
 */
const SERVER_GONE = /net::ERR_(?:CONNECTION_|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)/;

test("a daemon is killed and restarted: typed text survives that and a reload, in every box, on a desktop and on a phone", async () => {
  const [desk, phone] = [await logIn(browser, hive), await logIn(browser, hive, { width: 390, height: 900 })];
  await hive.call("send", { to: "hm1nd", body: "ask about drinks" });
  const { request } = await hive.call("request_spawn", { name: "guest" });
  const cardsOf = ({ page }: typeof desk) => {
    const card = page.getByRole("article", { name: `request ${request}: spawn for guest`, includeHidden: true });
    return { card, note: card.getByRole("textbox", { includeHidden: true }) };
  };
  const [deskCard, phoneCard] = [cardsOf(desk), cardsOf(phone)];
  const question = phone.page
    .getByRole("article", { name: /^question/, includeHidden: true })
    .filter({ hasText: "tea or coffee?" });
  await openCall(phone.page, /^question/);
  await question.getByLabel("coffee").check();
  await question.getByRole("textbox").fill("with milk");
  for (const [{ page }, { card, note }] of [
    [desk, deskCard],
    [phone, phoneCard],
  ] as const) {
    await openCall(page, `request ${request}: spawn for guest`);
    await card.getByRole("button", { name: "deny…" }).click();
    await note.pressSequentially("not ");
  }

  const open = async ({ context }: typeof desk, path: string): Promise<Page> => {
    const tab = await context.newPage();
    await tab.goto(`${hive.home}${path}`);
    return tab;
  };
  const form = await open(desk, "/?open=spawn");
  const name = form.getByRole("textbox", { name: "name" });
  const purpose = form.getByRole("textbox", { name: "what it is for" });
  await name.fill("helper");
  await purpose.fill("looks things ");
  const flow = await open(phone, "/?tab=flow");
  const message = flow.getByRole("textbox", { name: "message to hm1nd" });
  await message.fill("half a thought");
  const config = await open(desk, "/?open=config:hm1nd");
  await config.getByRole("button", { name: "edit…" }).click();
  const file = config.getByRole("textbox", { name: "text of agent.json" });
  const why = config.getByRole("textbox", { name: "what for" });
  await file.fill("{}");
  await why.fill("less is more");
  const tabs = [desk.page, phone.page, form, flow, config];

  // The operator continues to write while the daemon is away. A message sent then is returned to the box.
  const write = async (words: string): Promise<void> => {
    for (const [{ page }, { note }] of [
      [desk, deskCard],
      [phone, phoneCard],
    ] as const) {
      await page.bringToFront();
      await note.focus();
      await page.keyboard.type(words);
    }
  };
  await restart(hive, tabs, async () => {
    await write("now, ");
    await message.press("Enter");
    await flow.getByRole("alert").getByText("the hive does not answer; it may be restarting").waitFor();
    await form.getByRole("button", { name: "◆ request" }).click();
    await form.getByRole("alert").getByText("the hive does not answer; it may be restarting").waitFor();
  });
  for (const { page } of [desk, phone]) await page.keyboard.type("later");
  await purpose.press("End");
  await purpose.pressSequentially("up");
  const boxes = [deskCard.note, phoneCard.note, name, purpose, message, file, why];
  const all = (): Promise<unknown> => Promise.all(boxes.map((box) => box.inputValue()));
  const typed = ["not now, later", "not now, later", "helper", "looks things up", "half a thought", "{}", "less is more"];
  await expect.poll(all).toEqual(typed);
  await Promise.all(tabs.map((tab) => tab.reload()));
  await expect.poll(all).toEqual(typed);
  // The draft can still be used.
  await form.getByRole("button", { name: "◆ request" }).click();
  await form.getByRole("dialog").waitFor({ state: "detached" });
  await message.press("Enter");
  await flow.getByRole("log", { name: "messages" }).getByText("heard half a thought", { exact: true }).last().waitFor();
  await deskCard.card.getByRole("button", { name: "deny", exact: true }).click();
  await deskCard.card.waitFor({ state: "detached" });
  await phone.page.bringToFront();
  await openCall(phone.page, /^question/);
  expect(await question.getByRole("textbox").inputValue()).toBe("with milk");
  expect(await question.getByLabel("coffee").isChecked()).toBe(true);
  await question.getByRole("button", { name: "answer" }).click();
  await question.waitFor({ state: "detached" });
  const { approvals } = await hive.call("approvals", {});
  expect(approvals.find((one) => one.id === request)?.note).toBe("not now, later");
  const asked = approvals.find((one) => one.agent === "helper");
  expect(asked).toMatchObject({ state: "pending", description: "looks things up" });
  await hive.call("deny", { id: asked?.id ?? 0 });
  for (const { context, problems } of [desk, phone]) {
    await context.close();
    // Requests failed while the hive was away. There was no other error.
    expect(problems.filter((one) => !SERVER_GONE.test(one))).toEqual([]);
  }
});

describe("on a phone", () => {
  test("what waits comes first; nothing is wider than the screen; a thumb can answer", async () => {
    const { context, page, problems } = await logIn(browser, hive, { width: 390, height: 844 });
    await hive.call("send", { to: "hm1nd", body: "ask again" });
    await page.getByText("tea or coffee?").first().waitFor();
    for (const tab of ["agents", "what waits for you", "operator inbox", "message flow"]) {
      await page.getByRole("link", { name: tab }).click();
      expect(await page.evaluate(() => document.documentElement.scrollWidth), tab).toBeLessThanOrEqual(390);
    }
    // On the agent's page a line above the prompt links to the question; then two presses answer it.
    await page.goto(`${hive.home}/agent/hm1nd`);
    await page.getByRole("link", { name: "1 question waits for you" }).click();
    await page.locator("article:focus", { hasText: "tea or coffee?" }).waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.getByLabel("tea", { exact: true }).check();
    await page.getByRole("button", { name: "answer" }).click();
    await page.getByLabel("tea", { exact: true }).waitFor({ state: "detached" });
    await context.close();
    expect(problems).toEqual([]);
  });
});
