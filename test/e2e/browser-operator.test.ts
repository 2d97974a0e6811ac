import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { logIn, sharedBrowser } from "../lib/browser.ts";
import { look, openCall } from "../lib/pages.ts";
import { TestHive } from "../lib/hive.ts";

/**
 * An operator's day in a real browser over a real hive: cages, git, the real CLI, and a manager that follows a script.
 * The same hive on a desktop and on a phone: each decision is made in one of the two windows, and the other one follows.
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

type Window = Awaited<ReturnType<typeof logIn>>;
let browser: Browser;
let hive: TestHive;
let desk: Window;
let phone: Window;
beforeAll(async () => {
  browser = await sharedBrowser();
  hive = await new TestHive({ HIVE_SEND_RATE: "1000" }).play(RULES).start();
  desk = await logIn(browser, hive, { width: 1440, height: 900 });
  phone = await logIn(browser, hive, { width: 390, height: 900 });
});
afterAll(async () => {
  await Promise.all([desk, phone].map(({ context }) => context.close()));
  await hive.dispose();
});

const expectNoErrors = (but = /(?!)/): void =>
  expect([desk, phone].flatMap(({ problems }) => problems.splice(0)).filter((words) => !but.test(words))).toEqual([]);
const goTo = async (path: string, ...windows: Window[]): Promise<void> => {
  for (const { page } of windows) await page.goto(hive.home + path);
};
const toast = ({ page }: Window, words: RegExp | string): Locator => page.locator(".toasts").getByText(words);
const write = (body: string): Promise<unknown> => hive.call("send", { to: "hm1nd", body });
const request = ({ page }: Window, kind: string, agent: string): Locator =>
  page.getByRole("article", { name: new RegExp(`^request \\d+: ${kind} for ${agent}$`) });
/** Waits for a message to the operator. On a phone, in its tab. */
const inbox = async ({ page }: Window, words: string | RegExp): Promise<void> => {
  await look(page, "operator inbox");
  await page.getByRole("region", { name: "operator inbox" }).getByText(words).first().waitFor();
  await look(page, "what waits for you");
};
const rowOf = ({ page }: Window, agent: string): Locator => page.getByRole("listitem", { name: agent });
const modelOf = (window: Window, agent: string): Locator => rowOf(window, agent).locator(".chip.model");
/** Waits until a request is in a state. */
const until = (id: number, state: ApprovalView["state"]): Promise<unknown> =>
  hive.watch((event) => event.kind === "approval" && event.approval.id === id && event.approval.state === state, {
    after: 0,
    kinds: ["approval"],
  });

test("the login page says where the link is, accepts it pasted or opened in its own tab, and refuses a used one in words", async () => {
  const fresh = await browser.newContext({ viewport: { width: 390, height: 900 } });
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

test("spawn: the manager asks, one press approves, the new agent runs, and both windows show it", async () => {
  await write("make scout");
  for (const window of [desk, phone]) await request(window, "spawn", "scout").getByText("looks things up").first().waitFor();
  await request(desk, "spawn", "scout")
    .getByRole("button", { name: /approve/ })
    .click();
  for (const window of [desk, phone]) {
    await toast(window, /deployed\/\d+: scout runs it/).waitFor();
    await request(window, "spawn", "scout").waitFor({ state: "detached" });
    await look(window.page, "agents");
    await rowOf(window, "scout").getByText(/idle/).waitFor();
    await window.page.getByRole("link", { name: "scout", exact: true }).first().click();
    await window.page.getByRole("log", { name: "turns of scout" }).waitFor();
  }
  expectNoErrors();
});

test("a change: by keyboard alone to the diff and the approval; then rolled back from the drawer on a phone", async () => {
  await goTo("/", desk);
  const { page } = desk;
  // Written, found and approved without a pointer. The box takes the focus when it is drawn.
  await page.locator(".compose textarea:focus").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("c");
  await page.locator(".compose textarea:focus").waitFor();
  await page.keyboard.type("@hm1nd change scout to haiku");
  await page.keyboard.press("Enter");
  await page.locator("article.msg", { hasText: "change scout to haiku" }).waitFor();
  await page.keyboard.press("Escape");
  const card = request(desk, "config change", "scout");
  await card.getByText("haiku is enough").first().waitFor();
  await page.keyboard.press("j");
  await card.getByText('"model":"haiku"').waitFor();
  await page.keyboard.press("a");
  expect(await page.evaluate(() => document.activeElement?.textContent)).toContain("APPR0VE");
  await page.keyboard.press("Enter");
  await toast(desk, /deployed\/\d+: scout runs it/).waitFor();
  await modelOf(desk, "scout").getByText("haiku").waitFor();
  // On a phone the row has no room for the model. The agent's page is still open there.
  await phone.page.locator(".figures").getByText("haiku").waitFor();

  await goTo("/?open=deploys:scout&tab=swarm", phone);
  const drawer = phone.page.getByRole("dialog");
  await drawer.getByRole("button", { name: "roll back here…" }).first().click();
  await phone.page.getByRole("alertdialog").getByRole("button", { name: "roll back" }).click();
  await toast(phone, /request \d+ rolls scout back/).waitFor();
  await drawer.getByText("rollback by operator").first().waitFor();
  await drawer.getByText("runs now").waitFor();
  await phone.page.keyboard.press("Escape");
  await modelOf(desk, "scout").getByText("haiku").waitFor({ state: "detached" });
  const { deploys } = await hive.call("deploys", { agent: "scout" });
  expect(deploys.map((one) => [one.origin, one.state])).toEqual([
    ["rollback", "deployed"],
    ["request", "deployed"],
    ["request", "deployed"],
  ]);
  const [back, , first] = deploys;
  expect(back?.sha).toBe(first?.sha);
  const { entries } = await hive.call("audit", { request: back?.id ?? 0 });
  expect(entries.find((one) => one.kind === "approved")).toMatchObject({ actor: "operator", sha: first?.sha });
  expectNoErrors();
});

test("what runs changes while a card is on the screen: what the card showed is not approved", async () => {
  const files = [{ path: "agent.json", mode: "100644" as const, base64: Buffer.from('{"model": "sonnet"}').toString("base64") }];
  const { request: stale } = await hive.call("propose", { agent: "scout", files, description: "another" });
  const card = request(desk, "config change", "scout");
  await card.getByText('"model": "sonnet"').waitFor();
  const { deploys } = await hive.call("deploys", { agent: "scout" });
  const answers = desk.page.waitForResponse((response) => response.url().endsWith("/api/approve"));
  await desk.page.route("**/api/approve", async (route) => {
    const { request: id } = await hive.call("rollback", { agent: "scout", id: deploys[1]?.id ?? 0 });
    await until(id, "deployed");
    await route.continue();
  });
  await card.getByRole("button", { name: /approve/ }).click();
  expect((await answers).ok()).toBe(false);
  await desk.page.getByText("what runs has changed since, look again").first().waitFor();
  await desk.page.unroute("**/api/approve");
  await hive.call("cancel_request", { request: stale });
  await card.waitFor({ state: "detached" });
  await hive.untilAgent("scout", (agent) => agent.deploying === undefined && agent.state === "idle" && agent.model === "haiku");
  expect((await hive.call("check", {})).holds).toBe(true);
  // The refusal is a 409, which the browser logs to its console.
  expectNoErrors(/409/);
});

test("deny on a phone: the note reaches the requester, and nothing has changed", async () => {
  await goTo("/", phone);
  await write("change scout to opus");
  const card = request(phone, "config change", "scout");
  await card.getByText('"model":"opus"').waitFor();
  await card.getByRole("button", { name: "deny…" }).click();
  await card.getByRole("textbox", { name: /note on request/ }).fill("too dear for this");
  await card.getByRole("button", { name: "deny", exact: true }).click();
  for (const window of [phone, desk]) {
    await request(window, "config change", "scout").waitFor({ state: "detached" });
    await inbox(window, "denied, for: too dear for this");
  }
  await goTo("/history", desk, phone);
  for (const { page } of [desk, phone]) await page.getByText("“too dear for this”").waitFor();
  const { approvals } = await hive.call("approvals", {});
  const denied = approvals.find(({ state }) => state === "denied");
  expect(denied).toMatchObject({ note: "too dear for this", tag: `denied/${denied?.id}` });
  expect((await hive.call("state", {})).state.agents.find((one) => one.name === "scout")?.model).toBe("haiku");
  expectNoErrors();
});

test("questions: free text, single choice, multiple choice, and closed without an answer; the asker gets each", async () => {
  await goTo("/", desk, phone);
  const questions = ["What shall I call you?", "Tea or coffee?", "What goes in?"];
  const card = ({ page }: Window, question: string): Locator =>
    page.getByRole("article", { name: /^question/ }).filter({ hasText: question });
  const open = async (window: Window, question: string): Promise<Locator> =>
    openCall(window.page, (await card(window, question).getAttribute("aria-label")) ?? "");
  await write("ask");
  await card(desk, "What goes in?").waitFor();
  await (await open(desk, "What shall I call you?")).getByRole("textbox").fill("Ada");
  await card(desk, "What shall I call you?").getByRole("button", { name: "answer" }).click();
  await (await open(desk, "Tea or coffee?")).getByLabel("coffee").check();
  await card(desk, "Tea or coffee?").getByRole("button", { name: "answer" }).click();
  await (await open(desk, "What goes in?")).getByLabel("milk").check();
  await card(desk, "What goes in?").getByLabel("salt").check();
  await card(desk, "What goes in?").getByRole("button", { name: "answer" }).click();
  for (const window of [desk, phone])
    for (const question of questions) await card(window, question).waitFor({ state: "detached" });
  await inbox(desk, "heard (answered): Ada");
  await inbox(desk, "heard (answered): coffee");
  await inbox(desk, /heard \(answered\): milk.*salt/s);
  await write("ask again");
  await card(phone, "What goes in?").waitFor();
  for (const question of questions) {
    await (await open(phone, question)).getByRole("button", { name: "close…" }).click();
    await phone.page.getByRole("alertdialog").getByRole("button", { name: "close", exact: true }).click();
  }
  for (const window of [phone, desk])
    for (const question of questions) await card(window, question).waitFor({ state: "detached" });
  await inbox(phone, "heard (cancelled)");
  expectNoErrors();
});

test("cancel on a phone: the page shows the click before the hive has answered; then the turn has ended", async () => {
  await goTo("/agent/scout", phone);
  const { page } = phone;
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
  await toast(phone, "cancelled; its message was dropped").waitFor();
  expectNoErrors();
});

test("every slash command has its effect in the cage", async () => {
  await goTo("/agent/scout", desk);
  const { page } = desk;
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
  await toast(desk, "scout had no turn running").waitFor();
  await type("tell tale");
  await tail.getByText("tale once upon").waitFor();
  await type("/cancel");
  await tail.getByText(/ended .* cancelled/).waitFor();
  await type("/model opus");
  await toast(desk, "scout uses opus from its next turn on").waitFor();
  await hive.untilAgent("scout", (agent) => agent.model === "opus");
  await type("/model");
  await page.getByRole("alert").getByText("which model?").waitFor();
  await prompt.fill("");
  await type("/new-session");
  await toast(desk, "scout begins a new session with its next turn").waitFor();
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
  expectNoErrors();
});

test("after a daemon is killed, no row is lost or doubled in flow and tail, at each width; typed text stays", async () => {
  const views = await Promise.all(
    [desk, phone].map(async ({ context, page }) => {
      const width = page.viewportSize()?.width ?? 0;
      await page.setViewportSize({ width, height: 4000 });
      await page.goto(`${hive.home}/?tab=flow`);
      const second = await context.newPage();
      await second.setViewportSize({ width, height: 4000 });
      await second.goto(`${hive.home}/agent/scout`);
      const draft = page.getByRole("textbox", { name: /message to/ });
      const other = second.getByRole("textbox", { name: "message to scout" });
      await draft.fill("half a thought");
      await other.fill("the other half");
      const flow = page.getByRole("log", { name: "messages" });
      const tail = second.getByRole("log", { name: "turns of scout" });
      return { page, second, flow, tail, draft, other };
    }),
  );
  const pages = views.flatMap(({ page, second }) => [page, second]);
  await hive.call("send", { to: "scout", body: "work alpha" });
  await hive.call("send", { to: "scout", body: "work beta" });
  for (const { tail } of views) await tail.getByText("alpha part 2").waitFor();
  const { port } = new URL(hive.home);
  await hive.crash();
  for (const one of pages) await one.getByText("reconnecting").waitFor();
  await hive.start({ env: { HIVE_PORT: port } });
  for (const one of pages) await one.getByText("reconnecting").waitFor({ state: "detached" });
  await hive.untilMessage((message) => message.body === "finished beta");
  for (const { flow, tail } of views) {
    await flow.getByText("finished beta").waitFor();
    await tail.getByText("beta is done").waitFor();
    await tail
      .getByText(/ended .* ok/)
      .last()
      .waitFor();
  }
  await hive.untilAgent("scout", (agent) => agent.state === "idle");

  // The stored rows and those on the pages are the same.
  const { messages } = await hive.call("messages", { limit: 200 });
  const { events } = await hive.call("turn_events", { agent: "scout", limit: 300 });
  const ids = events.filter(({ event }) => event.type !== "tool_result" && event.type !== "session").map((one) => `${one.seq}`);
  for (const { page, second, flow, tail, draft, other } of views) {
    const shown = () => flow.locator("article.msg").evaluateAll((rows) => rows.map((row) => row.id));
    await expect.poll(shown).toEqual(messages.map((one) => `m${one.id}`));
    const states = () => flow.locator("article.msg .delivery").allTextContents();
    await expect.poll(async () => new Set(await states())).toEqual(new Set(["done", "dropped"]));
    const seen = () => tail.locator("[data-seq]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-seq")));
    const visible = await seen();
    // The visible rows are the newest, without a gap, and there are more than the two interrupted turns had.
    expect(visible.length).toBeGreaterThan(20);
    expect(visible).toEqual(ids.slice(-visible.length));
    expect([await draft.inputValue(), await other.inputValue()]).toEqual(["half a thought", "the other half"]);
    await draft.fill("");
    await second.close();
    await page.setViewportSize({ width: page.viewportSize()?.width ?? 0, height: 900 });
  }
});
