import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { launch, logIn } from "../lib/browser.ts";
import { openCall } from "../lib/pages.ts";
import { TestHive } from "../lib/hive.ts";

/**
 * An operator's day in a real browser over a real hive: cages, git, the real CLI, and a manager that follows a script.
 * Everything at desktop and at phone width.
 */

const say = (body: string) => ({ tools: [{ name: "send", input: { to: "operator", body } }] });
const RULES = [
  {
    agents: ["hm1nd"],
    when: { text: "^make (?<who>\\S+)" },
    steps: [{ tools: [{ name: "request_spawn", input: { name: "{{who}}", description: "looks things up" } }] }, { say: "asked" }],
  },
  {
    agents: ["hm1nd"],
    when: { text: "^change (?<who>\\S+) to (?<model>\\S+)" },
    steps: [
      {
        tools: [
          {
            name: "Bash",
            input: {
              command:
                'cd /agents/{{who}}/config && printf \'{"model":"{{model}}","description":"looks things up"}\' > agent.json && git commit -qam "use {{model}}" && echo sha=$(git rev-parse HEAD)',
              description: "commit",
            },
          },
        ],
        capture: { sha: "sha=([0-9a-f]{40})" },
      },
      {
        tools: [
          { name: "request_apply_commit", input: { agent: "{{who}}", commit: "{{sha}}", description: "{{model}} is enough" } },
        ],
      },
      { say: "proposed" },
    ],
  },
  {
    agents: ["hm1nd"],
    when: { from: "system", text: '"status":"denied".*"note":"(?<note>[^"]*)"' },
    steps: [say("denied, for: {{note}}"), { say: "noted" }],
  },
  {
    agents: ["hm1nd"],
    when: { from: "system", text: '"event":"operator_answered".*"state":"(?<state>\\w+)"(?:,"answer":"(?<answer>.*)")?' },
    steps: [say("heard ({{state}}): {{answer}}"), { say: "noted" }],
  },
  {
    when: { text: "^ask" },
    steps: [
      {
        tools: [
          { name: "ask_operator", input: { question: "What shall I call you?" } },
          { name: "ask_operator", input: { question: "Tea or coffee?", options: ["tea", "coffee"] } },
          { name: "ask_operator", input: { question: "What goes in?", options: ["milk", "sugar", "salt"], multi: true } },
        ],
      },
      { say: "asked" },
    ],
  },
  {
    when: { text: "^tell (?<story>\\w+)" },
    steps: [{ say: `{{story}} ${"once upon a time ".repeat(200)}`, chunk_ms: 100 }],
  },
  {
    when: { text: "^work (?<job>\\w+)" },
    steps: [
      ...Array.from({ length: 6 }, (_, n) => ({
        say: `{{job}} part ${n}`,
        wait_ms: 300,
        tools: [{ name: "set_status", input: { text: `{{job}} step ${n}` } }],
      })),
      say("finished {{job}}"),
      { say: "{{job}} is done" },
    ],
  },
  { when: { from: "system" }, steps: [{ say: "noted" }] },
  { when: { text: "." }, steps: [say("heard {{body}}"), { say: "done" }] },
];

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

describe.each([1440, 390])("at %i px", (width) => {
  const isPhone = width === 390;
  let hive: TestHive;
  let context: BrowserContext;
  let page: Page;
  let problems: string[];
  beforeAll(async () => {
    hive = await new TestHive({ HIVE_SEND_RATE: "1000" }).play(RULES).start();
  });
  afterAll(() => hive.dispose());
  beforeEach(async () => {
    ({ context, page, problems } = await logIn(browser, hive, { width, height: 900 }));
  });
  afterEach(() => context.close());

  /** Brings a part of the dashboard into view. On a phone the parts are tabs. */
  const look = async (tab: string): Promise<void> => {
    if (isPhone)
      await page
        .getByRole("navigation", { name: "sections" })
        .getByRole("link", { name: new RegExp(`^${tab}`) })
        .click();
  };
  const toast = (words: RegExp | string): Locator => page.locator(".toasts").getByText(words);
  const write = (body: string): Promise<unknown> => hive.call("send", { to: "hm1nd", body });
  const request = (kind: string, agent: string): Locator =>
    page.getByRole("article", { name: new RegExp(`^request \\d+: ${kind} for ${agent}$`) });
  const inbox = async (words: string | RegExp): Promise<void> => {
    await look("operator inbox");
    await page.getByRole("region", { name: "operator inbox" }).getByText(words).first().waitFor();
    await look("what waits for you");
  };
  const modelOf = (agent: string): Locator => page.getByRole("listitem", { name: agent }).locator(".chip.model");

  test("the login page says where the link is, accepts it pasted or opened in its own tab, and refuses a used one in words", async () => {
    const fresh = await browser.newContext({ viewport: { width, height: 900 } });
    const tab = await fresh.newPage();
    await tab.goto(hive.home);
    await tab.getByText("npx hivectl login").waitFor();
    const { url } = await hive.call("login", {});
    // The tab already shows the page, so the link changes only the hash.
    await tab.goto(url);
    await tab.waitForSelector("main.dashboard");
    // Leave the page first: it would go to the login page when it notices that it has no session.
    await tab.goto("about:blank");
    await fresh.clearCookies();
    await tab.goto(hive.home);
    await tab.getByLabel("Launch link or token").fill(url);
    await tab.getByRole("button", { name: "log in" }).click();
    await tab.getByText(/used|expired/).waitFor();
    await tab.getByLabel("Launch link or token").fill((await hive.call("login", {})).url);
    await tab.getByRole("button", { name: "log in" }).click();
    await tab.waitForSelector("main.dashboard");
    await fresh.close();
  });

  test("spawn: the manager asks, one press approves, the new agent runs", async () => {
    await write("make scout");
    const card = request("spawn", "scout");
    await card.getByText("looks things up").first().waitFor();
    await card.getByRole("button", { name: /approve/ }).click();
    await toast(/deployed\/\d+: scout runs it/).waitFor();
    await card.waitFor({ state: "detached" });
    await look("agents");
    await page.getByRole("listitem", { name: "scout" }).getByText(/idle/).waitFor();
    await page.getByRole("link", { name: "scout", exact: true }).first().click();
    await page.getByRole("log", { name: "turns of scout" }).waitFor();
    expect(problems).toEqual([]);
  });

  test("a change: by keyboard alone to the diff and the approval; then rolled back from the drawer", async () => {
    // Written, found and approved without a pointer.
    await page.keyboard.press("Escape");
    await page.keyboard.press("c");
    await page.locator(".compose textarea:focus").waitFor();
    await page.keyboard.type("@hm1nd change scout to haiku");
    await page.keyboard.press("Enter");
    await page.locator("article.msg", { hasText: "change scout to haiku" }).waitFor();
    await page.keyboard.press("Escape");
    const card = request("config change", "scout");
    // Roles only find visible elements, and on a phone the card is in another tab.
    await page.locator("article.approval", { hasText: "haiku is enough" }).waitFor({ state: "attached" });
    await page.keyboard.press("j");
    await card.getByText('"model":"haiku"').waitFor();
    await page.keyboard.press("a");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain("APPR0VE");
    await page.keyboard.press("Enter");
    await toast(/deployed\/\d+: scout runs it/).waitFor();
    // On a phone the row has no room for the model, so read it on the agent's page.
    if (isPhone) await page.goto(`${hive.home}/agent/scout`);
    await (isPhone ? page.locator(".figures") : modelOf("scout")).getByText("haiku").waitFor();

    await page.goto(`${hive.home}/?open=deploys:scout&tab=swarm`);
    await page.getByRole("dialog").getByRole("button", { name: "roll back here…" }).first().click();
    await page.getByRole("alertdialog").getByRole("button", { name: "roll back" }).click();
    await toast(/request \d+ rolls scout back/).waitFor();
    await page.getByRole("dialog").getByText("rollback by operator").first().waitFor();
    await page.getByRole("dialog").getByText("runs now").waitFor();
    await page.keyboard.press("Escape");
    await modelOf("scout").getByText("haiku").waitFor({ state: "detached" });
    const { deploys } = await hive.call("deploys", { agent: "scout" });
    expect(deploys.map((one) => [one.origin, one.state])).toEqual([
      ["rollback", "deployed"],
      ["request", "deployed"],
      ["request", "deployed"],
    ]);
    expect(problems).toEqual([]);
  });

  test("deny: the note reaches the requester, and nothing has changed", async () => {
    await write("change scout to opus");
    const card = request("config change", "scout");
    await card.getByText('"model":"opus"').waitFor();
    await card.getByRole("button", { name: "deny…" }).click();
    await card.getByRole("textbox", { name: /note on request/ }).fill("too dear for this");
    await card.getByRole("button", { name: "deny", exact: true }).click();
    await card.waitFor({ state: "detached" });
    await inbox("denied, for: too dear for this");
    await page.goto(`${hive.home}/history`);
    await page.getByText("“too dear for this”").waitFor();
    expect((await hive.call("state", {})).state.agents.find((one) => one.name === "scout")?.model).not.toBe("opus");
    expect(problems).toEqual([]);
  });

  test("questions: free text, single choice, multiple choice, and closed without an answer; the asker gets each", async () => {
    await write("ask");
    const card = (question: string): Locator => page.getByRole("article", { name: /^question/ }).filter({ hasText: question });
    const open = async (question: string): Promise<Locator> => {
      const name = await card(question).getAttribute("aria-label");
      return openCall(page, name ?? "");
    };
    await card("What goes in?").waitFor();
    await (await open("What shall I call you?")).getByRole("textbox").fill("Ada");
    await card("What shall I call you?").getByRole("button", { name: "answer" }).click();
    await (await open("Tea or coffee?")).getByLabel("coffee").check();
    await card("Tea or coffee?").getByRole("button", { name: "answer" }).click();
    await (await open("What goes in?")).getByLabel("milk").check();
    await card("What goes in?").getByLabel("salt").check();
    await card("What goes in?").getByRole("button", { name: "answer" }).click();
    for (const question of ["What shall I call you?", "Tea or coffee?", "What goes in?"])
      await card(question).waitFor({ state: "detached" });
    await inbox("heard (answered): Ada");
    await inbox("heard (answered): coffee");
    await inbox(/heard \(answered\): milk.*salt/s);
    await write("ask again");
    await card("What goes in?").waitFor();
    for (const question of ["What shall I call you?", "Tea or coffee?", "What goes in?"]) {
      await (await open(question)).getByRole("button", { name: "close…" }).click();
      await page.getByRole("alertdialog").getByRole("button", { name: "close", exact: true }).click();
    }
    await card("What goes in?").waitFor({ state: "detached" });
    await inbox("heard (cancelled)");
    expect(problems).toEqual([]);
  });

  test("cancel: the page shows the click before the hive has answered; then the turn has ended", async () => {
    await page.goto(`${hive.home}/agent/scout`);
    const prompt = page.getByRole("textbox", { name: "message to scout" });
    await prompt.fill("tell saga");
    await prompt.press("Enter");
    await page.getByText("saga once upon").waitFor();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route("**/api/cancel", async (route) => {
      await held;
      await route.continue();
    });
    await page.getByRole("button", { name: "cancel turn" }).click();
    // The request has not even been forwarded.
    const button = page.getByRole("button", { name: "cancelling…" });
    expect(await button.isDisabled()).toBe(true);
    release();
    await page.getByText(/ended .* cancelled/).waitFor();
    await button.waitFor({ state: "detached" });
    await page.locator(".head").getByText(/idle/).waitFor();
    await toast("cancelled; its message was dropped").waitFor();
    expect(problems).toEqual([]);
  });

  test("every slash command has its effect in the cage", async () => {
    await page.goto(`${hive.home}/agent/scout`);
    const prompt = page.getByRole("textbox", { name: "message to scout" });
    const type = async (text: string): Promise<void> => {
      await prompt.fill(text);
      await prompt.press("Escape");
      await prompt.press("Enter");
    };
    const tail = page.getByRole("log", { name: "turns of scout" });
    const head = page.locator(".head");
    await type("/help");
    await page.getByRole("dialog").getByText("/new-session").waitFor();
    await page.keyboard.press("Escape");
    await tail.getByText("saga once upon").first().waitFor();
    await type("/clear");
    await tail.getByText("saga once upon").first().waitFor({ state: "detached" });
    await type("/cancel");
    await toast("scout had no turn running").waitFor();
    await type("tell tale");
    await tail.getByText("tale once upon").waitFor();
    await type("/cancel");
    await tail.getByText(/ended .* cancelled/).waitFor();
    await type("/model opus");
    await toast("scout uses opus from its next turn on").waitFor();
    await hive.untilAgent("scout", (agent) => agent.model === "opus");
    await type("/model");
    await page.getByRole("alert").getByText("which model?").waitFor();
    await prompt.fill("");
    await type("/new-session");
    await toast("scout begins a new session with its next turn").waitFor();
    await type("a word");
    await tail.getByText("heard a word").first().waitFor();
    await tail
      .getByText(/ended .* ok/)
      .first()
      .waitFor();
    await type("/compact");
    await tail.getByText("session compacted").waitFor();
    await head.getByText(/idle/).waitFor();
    await type("/pause");
    await head.getByText(/paused/).waitFor();
    await type("while you rest");
    await type("/resume");
    await tail.getByText("heard while you rest").first().waitFor();
    await type("/frobnicate");
    await page.getByRole("alert").getByText("there is no command /frobnicate").waitFor();
    expect(await prompt.inputValue()).toBe("/frobnicate");
    await prompt.fill("");
    expect(problems).toEqual([]);
  });

  test("after a daemon is killed, no row is lost or doubled in flow and tail; typed text stays", async () => {
    const viewport = { width, height: 4000 };
    await page.setViewportSize(viewport);
    await page.goto(`${hive.home}/?tab=flow`);
    const flow = page.getByRole("log", { name: "messages" });
    const second = await context.newPage();
    await second.setViewportSize(viewport);
    await second.goto(`${hive.home}/agent/scout`);
    const tail = second.getByRole("log", { name: "turns of scout" });
    const draft = page.getByRole("textbox", { name: /message to/ });
    await draft.fill("half a thought");
    await second.getByRole("textbox", { name: "message to scout" }).fill("the other half");
    await hive.call("send", { to: "scout", body: "work alpha" });
    await hive.call("send", { to: "scout", body: "work beta" });
    await tail.getByText("alpha part 2").waitFor();
    await hive.crash();
    for (const one of [page, second]) await one.getByText("reconnecting").waitFor();
    await hive.start({ env: { HIVE_PORT: new URL(page.url()).port } });
    for (const one of [page, second]) await one.getByText("reconnecting").waitFor({ state: "detached" });
    await hive.untilMessage((message) => message.body === "finished beta");
    await flow.getByText("finished beta").waitFor();
    await tail.getByText("beta is done").waitFor();
    await tail
      .getByText(/ended .* ok/)
      .last()
      .waitFor();
    await hive.untilAgent("scout", (agent) => agent.state === "idle");

    // The stored rows and those on the pages are the same.
    const { messages } = await hive.call("messages", { limit: 200 });
    const shown = () => flow.locator("article.msg").evaluateAll((rows) => rows.map((row) => row.id));
    await expect.poll(shown).toEqual(messages.map((one) => `m${one.id}`));
    const states = () => flow.locator("article.msg .delivery").allTextContents();
    await expect.poll(async () => new Set(await states())).toEqual(new Set(["done", "dropped"]));
    const { events } = await hive.call("turn_events", { agent: "scout", limit: 300 });
    const ids = events.filter(({ event }) => event.type !== "tool_result" && event.type !== "session").map((one) => `${one.seq}`);
    const seen = () => tail.locator("[data-seq]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-seq")));
    const visible = await seen();
    // The visible rows are the newest, without a gap, and there are more than the two interrupted turns had.
    expect(visible.length).toBeGreaterThan(20);
    expect(visible).toEqual(ids.slice(-visible.length));
    expect(await draft.inputValue()).toBe("half a thought");
    expect(await second.getByRole("textbox", { name: "message to scout" }).inputValue()).toBe("the other half");
    await draft.fill("");
  });

  test("search: over the whole history, by prefix and by agent; the address keeps it", async () => {
    await hive.call("send", { to: "hm1nd", body: "the heron stands in the reeds" });
    await hive.untilMessage((message) => message.body === "heard the heron stands in the reeds");
    // More than a page has at once.
    await hive.call("set_paused", { name: "scout", paused: true });
    for (let n = 0; n < 120; n++) await hive.call("send", { to: "scout", body: `filler ${n}` });
    await page.goto(`${hive.home}/?tab=flow`);
    const flow = page.getByRole("region", { name: "message flow" });
    await flow.getByText("filler 119").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    await page.locator("input.search:focus").waitFor();
    await page.keyboard.type("hero reed");
    const found = page.getByRole("group", { name: "search results" });
    await found.getByText("2 messages").waitFor();
    expect(await found.locator("mark").allTextContents()).toContain("hero");
    expect(new URL(page.url()).searchParams.get("q")).toBe("hero reed");
    await page.getByLabel("show only messages of").selectOption("scout");
    await found.getByText("No message has to do with scout").waitFor();
    await page.getByLabel("show only messages of").selectOption("");
    await page.reload();
    await found.getByText("2 messages").waitFor();
    await page.getByRole("searchbox", { name: "search all messages" }).press("Escape");
    await flow.getByText("filler 119").waitFor();
    await page.keyboard.press("Escape");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    expect(problems).toEqual([]);
  });
});
