import type { Browser } from "playwright-core";
import { expect, test } from "vitest";
import { busyHive, busyState } from "../lib/busy-hive.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openPage } from "../lib/fixture-page.ts";
import { openCall, look, sized, usePages, WIDTHS } from "../lib/pages.ts";
import { ago, aHive, aMessage, anAgent, anApproval, aQuestion, aState, textLines, aChange } from "../lib/fixtures.ts";

/** What the pages show and keep, over made-up data: questions, what waits, new events, a lost connection. */

let browser: Browser;
let hive: FixtureHive;
usePages(busyHive, (theBrowser, theHive) => {
  browser = theBrowser;
  hive = theHive;
});

test.each(WIDTHS)(
  "at %i px questions of each kind: free text, single choice, multiple choice, expiry, and closed without an answer",
  async (width) => {
    hive.state = aState({
      questions: [
        aQuestion("What shall I call you?", { id: 1 }),
        aQuestion("Tea or coffee?", {
          id: 2,
          options: ["tea", "coffee"],
          expires_at: new Date(Date.now() + 3600_000).toISOString(),
        }),
        aQuestion("What else?", { id: 3, options: ["milk", "sugar", "salt"], multi: true }),
        aQuestion("Never mind?", { id: 4 }),
      ],
    });
    const { page, problems } = await openPage(browser, hive, "/", sized(width));
    const card = (id: number) => page.getByRole("article", { name: `question ${id} of hm1nd` });
    const open = (id: number) => openCall(page, `question ${id} of hm1nd`);
    await open(1);
    await card(1).getByRole("textbox").fill("Ada");
    if (width > 900) {
      // The count in the bar opens the first of its kind and focuses it.
      await page.locator("header.bar").getByRole("link", { name: "4 questions" }).click();
      await expect.poll(() => card(1).evaluate((at) => at.contains(document.activeElement))).toBe(true);
      await page.waitForURL("**card=question-1*");
    }
    await open(3);
    await card(3).getByLabel("milk").check();
    await card(3).getByLabel("salt").check();
    await card(3).getByLabel("salt").uncheck();
    await card(3).getByLabel("sugar").check();
    await card(3).getByRole("textbox").fill("and honey");
    await page.reload();
    // A draft answer survives a reload.
    expect(await card(3).getByLabel("sugar").isChecked()).toBe(true);
    await open(1);
    expect(await card(1).getByRole("textbox").inputValue()).toBe("Ada");
    await card(1).getByRole("button", { name: "answer" }).click();
    await open(2);
    await card(2)
      .getByText(/expires in \d+m/)
      .waitFor();
    await card(2).getByLabel("coffee").check();
    await card(2).getByRole("button", { name: "answer" }).click();
    await open(3);
    await card(3).getByRole("button", { name: "answer" }).click();
    await open(4);
    await card(4).getByRole("button", { name: "close…" }).click();
    // It is final, so it is asked about first.
    expect(hive.called("question_cancel")).toEqual([]);
    await page.getByRole("alertdialog").getByRole("button", { name: "close", exact: true }).click();
    await expect.poll(() => hive.called("question_cancel")).toEqual([{ id: 4 }]);
    expect(hive.called("answer")).toEqual([
      { id: 1, options: [], text: "Ada" },
      { id: 2, options: ["coffee"] },
      { id: 3, options: ["milk", "sugar"], text: "and honey" },
    ]);
    expect(problems).toEqual([]);
  },
);

test("events never remove a draft, a question or the place of a card; the page shows that a menu's action is running", async () => {
  const state = busyState();
  hive.state = { ...state, questions: [aQuestion("What shall I call you?", { id: 1 }), ...state.questions] };
  const { page, problems } = await openPage(browser, hive);
  const card = await openCall(page, "question 1 of hm1nd");
  const box = card.getByRole("textbox");
  await box.fill("Ada, or if that is ta");
  const top = () =>
    page.locator(".calls .card").evaluateAll((cards) => cards.map((one) => Math.round(one.getBoundingClientRect().top)));
  const before = await top();
  hive.tell({
    kind: "question",
    seq: 7000,
    question: aQuestion("What shall I call you?", { id: 1, seq: 7000, state: "expired" }),
  });
  hive.tell({
    kind: "message",
    seq: 7001,
    message: aMessage("hm1nd", "scout", "lost", {
      id: 90,
      seq: 7001,
      state: "dead",
      reason: "failed 3 times",
      updated_at: ago(0),
    }),
  });
  await page.getByRole("article", { name: "message 90 is stuck" }).waitFor();
  await card.getByText("expired; yours was not sent").waitFor();
  expect(await box.evaluate((field) => field === document.activeElement)).toBe(true);
  await box.pressSequentially("ken, Eve");
  // The card and everything above it stay. What is below gives way as the box grows with its text.
  expect((await top()).slice(0, 3)).toEqual(before.slice(0, 3));
  await card.getByRole("button", { name: "send as a message" }).click();
  await card.waitFor({ state: "detached" });
  expect(hive.called("send").at(-1)).toMatchObject({ to: "hm1nd", body: "Ada, or if that is taken, Eve" });

  await page.getByRole("region", { name: "kept state" }).getByRole("button", { name: "purge…" }).click();
  const asked = page.getByRole("alertdialog", { name: "purge old-timer?" });
  await asked.waitFor();
  hive.tell({ kind: "agent", agent: anAgent("librarian", { destroyed: true, running: false, state: "offline" }) });
  await page.getByRole("region", { name: "kept state", includeHidden: true }).getByText("librarian").waitFor();
  expect(await asked.isVisible()).toBe(true);
  await asked.getByRole("button", { name: "back" }).click();

  let done = (): void => {};
  hive.answers.rebuild = () => new Promise((resolve) => (done = () => resolve({ request: 50 })));
  await page.getByRole("button", { name: "more for scout" }).click();
  await page.getByRole("menuitem", { name: "rebuild" }).click();
  await page.locator('button[aria-label="more for scout"][aria-busy="true"]').waitFor();
  // The button shows it before the hive has received the call.
  await expect.poll(() => hive.called("rebuild").length).toBe(1);
  done();
  await page.locator(".toasts").getByText("scout is being rebuilt").waitFor();
  await page.locator('button[aria-label="more for scout"][aria-busy="false"]').waitFor();
  expect(problems).toEqual([]);
});

test("the page can be installed: its manifest is complete, and nothing else prevents it", async () => {
  const { page, problems } = await openPage(browser, hive);
  const devtools = await page.context().newCDPSession(page);
  expect((await devtools.send("Page.getAppManifest")).errors).toEqual([]);
  const { installabilityErrors } = await devtools.send("Page.getInstallabilityErrors");
  // Windows of a test are private ones, in which nothing is ever installed.
  expect(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== "in-incognito")).toEqual([]);
  expect(problems).toEqual([]);
});

test("on a phone the menu of the bar has what the bar has no room for", async () => {
  const { page, problems } = await openPage(browser, hive, "/", { viewport: { width: 390, height: 844 } });
  await page.getByRole("button", { name: "more", exact: true }).click();
  await page.getByRole("menu").getByText("today 1.24 M tok").waitFor();
  await page.getByRole("menuitem", { name: "keys", exact: true }).click();
  await page.getByRole("dialog", { name: "keys" }).waitFor();
  expect(problems).toEqual([]);
});

test("the tail freezes while the reader is further up, and counts what is new", async () => {
  const many = textLines("scout", 300);
  hive.answers.turn_events = ({ before }) => ({ events: before === undefined ? many : [], more: false });
  const { page, problems } = await openPage(browser, hive, "/agent/scout");
  const tail = page.getByRole("log", { name: "turns of scout" });
  await tail.getByText("line 299").waitFor();
  await tail.evaluate((list) => list.scrollTo(0, list.scrollHeight / 2));
  await page.getByRole("button", { name: "↓ to the end" }).waitFor();
  const middle = await tail.evaluate((list) => list.scrollTop);
  for (let n = 0; n < 12; n++)
    hive.tell({
      kind: "turn",
      seq: 9000 + n,
      turn: { seq: 9000 + n, agent: "scout", at: new Date().toISOString(), event: { type: "text", text: `new ${n}` } },
    });
  await page.getByRole("button", { name: "↓ 12 new" }).waitFor();
  expect(await tail.evaluate((list) => list.scrollTop)).toBe(middle);
  await page.getByRole("button", { name: "↓ 12 new" }).click();
  await tail.getByText("new 11").waitFor();
  expect(problems).toEqual([]);
});

test.each(WIDTHS)(
  "at %i px the title counts what waits, the icon shows it, and a lost connection is shown until it is restored",
  async (width) => {
    const { page } = await openPage(browser, hive, "/", sized(width));
    const icon = (): Promise<string | null> =>
      page.evaluate(() => new URL(document.querySelector<HTMLLinkElement>("link[rel=icon]")?.href ?? "").pathname);
    // The displayed state was embedded in the page, not fetched.
    const asked = await page.evaluate(() => performance.getEntriesByType("resource").map((one) => new URL(one.name).pathname));
    expect(asked).not.toContain("/api/state");
    // Two requests, one question, one message.
    await expect.poll(() => page.title()).toBe("(4) hyperhive");
    await expect.poll(icon).toBe("/favicon-waits.svg");
    await look(page, "message flow");
    await page.getByRole("textbox", { name: "message to hm1nd" }).fill("half a thought");
    hive.goAway();
    await page.getByText("reconnecting…").waitFor();
    await expect.poll(icon).toBe("/favicon-off.svg");
    hive.comeBack();
    await page.getByText("reconnecting…").waitFor({ state: "detached" });
    await expect.poll(icon).toBe("/favicon-waits.svg");
    expect(await page.getByRole("textbox", { name: "message to hm1nd" }).inputValue()).toBe("half a thought");
    hive.tell({ kind: "hive", hive: aHive({ mode: "live", upstream: "api.anthropic.com" }) });
    await page.getByText("api.anthropic.com").waitFor();
  },
);

test("a second tab also has what happened while it was loading", async () => {
  hive.state = busyState();
  const { page, problems } = await openPage(browser, hive);
  await page.getByText("live", { exact: true }).waitFor();
  const tab = await page.context().newPage();
  // The hive sends the page with the embedded state. An event happens before the page arrives.
  await tab.route(`${hive.home}/`, async (route) => {
    const response = await route.fetch();
    const message = aMessage("hm1nd", "operator", "said in between", { id: 6001 });
    hive.state = { ...hive.state, seq: 6001, messages: [...hive.state.messages, message] };
    hive.tell({ kind: "message", seq: 6001, message });
    await page.locator(".log").getByText("said in between").waitFor();
    await route.fulfill({ response });
  });
  await tab.goto(hive.home);
  await tab.locator(".log").getByText("said in between").waitFor();
  expect(problems).toEqual([]);
});

test.each(WIDTHS)(
  "at %i px an empty hive explains itself; in rehearsal the guide follows the operator's progress",
  async (width) => {
    hive.state = aState();
    hive.answers.approvals = () => ({ approvals: [] });
    const { page, problems } = await openPage(browser, hive, "/", sized(width));
    const walk = page.getByRole("region", { name: "a first walk" });
    await walk.getByText("0 of 7").waitFor();
    for (const [part, words] of [
      ["agents", "The manager is the only agent."],
      ["message flow", "No messages yet."],
      ["operator inbox", "No messages to you yet."],
      ["what waits for you", "Nothing waits for you."],
    ] as const) {
      await look(page, part);
      await page.getByText(words).waitFor();
    }
    // A text other than the guide's gets an answer, but makes no request.
    hive.tell({ kind: "message", seq: 6000, message: aMessage("operator", "hm1nd", "good morning", { id: 6000 }) });
    await look(page, "message flow");
    await page.getByText("good morning").waitFor();
    await look(page, "what waits for you");
    await walk.getByText("0 of 7").waitFor();
    const spawn = anApproval({ id: 6001, seq: 6001, kind: "spawn", agent: "scout" });
    hive.tell({ kind: "approval", seq: 6001, approval: spawn });
    await walk.getByText("1 of 7").waitFor();
    const settled = { state: "deployed", resolved_at: ago(10), resolved_by: "operator" } as const;
    hive.tell({ kind: "approval", seq: 6002, approval: { ...spawn, seq: 6002, ...settled } });
    await walk.getByText("2 of 7").waitFor();
    const question = aQuestion("Which?", { id: 6003, agent: "hm1nd" });
    hive.tell({ kind: "question", seq: 6003, question });
    hive.tell({ kind: "question", seq: 6004, question: { ...question, seq: 6004, state: "answered", answer: "this" } });
    await walk.getByText("3 of 7").waitFor();
    hive.tell({ kind: "approval", seq: 6005, approval: anApproval({ id: 6005, agent: "scout", ...settled }) });
    await walk.getByText("4 of 7").waitFor();
    // The command can be copied: it contains the ledger's real path.
    await walk.getByText(`git -c safe.directory='*' -C ${hive.state.hive.ledger} log`).waitFor();
    // The history lists the deploy: with that the walk ends, also after a reload.
    await walk.getByRole("link", { name: "history" }).click();
    await page.waitForURL("**/history");
    // The page is there, not only its address.
    await page.getByRole("heading", { name: "history" }).waitFor();
    await page.goBack();
    await walk.getByText("5 of 7").waitFor();
    // Two agents work on a repository, and the operator merges what they propose.
    const change = aChange({ id: 6006, seq: 6006, agent: "maker" });
    hive.tell({ kind: "change", seq: 6006, change });
    await walk.getByText("6 of 7").waitFor();
    hive.tell({ kind: "change", seq: 6007, change: { ...change, seq: 6007, state: "merged" } });
    await walk.getByText("7 of 7: that was the walk").waitFor();
    await page.reload();
    await page.getByText("Nothing waits for you.").waitFor();
    await walk.getByRole("button", { name: "hide" }).click();
    await page.reload();
    await page.getByText("Nothing waits for you.").waitFor();
    expect(await walk.count()).toBe(0);
    expect(problems).toEqual([]);
  },
);

test("the swarm at a glance: who talks to whom, who is stuck, each a link", async () => {
  const fresh = busyState();
  fresh.messages = fresh.messages.map((one) => ({ ...one, created_at: new Date(Date.now() - 30_000).toISOString() }));
  fresh.agents.push(
    anAgent("archivist", { state: "offline", running: false }),
    anAgent("gardener", { resumes_at: new Date(Date.now() + 60_000).toISOString(), state_reason: "529 Overloaded" }),
  );
  hive.state = fresh;
  const { page, problems } = await openPage(browser, hive, "/swarm");
  await page.getByRole("row", { name: /librarian → scout 1 1/ }).waitFor();
  await page.getByRole("region", { name: "stuck or waiting" }).getByText("waits for your answer").waitFor();
  await page.getByRole("region", { name: "stuck or waiting" }).getByText("tries again soon: 529 Overloaded").waitFor();
  // The picture and the row name the same state, and no edge is drawn over words.
  await page.getByRole("link", { name: "gardener, tries again" }).waitFor();
  expect(await page.locator(".graph .label ~ .edge, .graph .edge .label").count()).toBe(0);
  expect(await page.locator(".graph .label").count()).toBeGreaterThan(0);
  // In any state, an agent is placed where its edges end, and inside the picture, on a phone as well.
  const strays = () =>
    page.locator(".graph").evaluate((svg: SVGSVGElement) => {
      const frame = svg.getBoundingClientRect();
      return [...svg.querySelectorAll<SVGGElement>(".node")].flatMap((node) => {
        const circle = node.querySelector("circle");
        const box = circle?.getBoundingClientRect();
        const at = new DOMPoint(circle?.cx.baseVal.value, circle?.cy.baseVal.value).matrixTransform(
          svg.getScreenCTM() ?? undefined,
        );
        const off = Math.hypot(at.x - (box?.x ?? 0) - (box?.width ?? 0) / 2, at.y - (box?.y ?? 0) - (box?.height ?? 0) / 2);
        const all = node.getBoundingClientRect();
        const isOut = all.left < frame.left || all.right > frame.right || all.bottom > frame.bottom;
        return off > 1 || isOut ? [`${node.textContent} ${Math.round(off)}`] : [];
      });
    });
  expect(await strays()).toEqual([]);
  await page.setViewportSize({ width: 390, height: 844 });
  const size = () =>
    page
      .locator(".graph .name")
      .first()
      .evaluate((text) => text.getBoundingClientRect().height);
  await expect.poll(size).toBeGreaterThan(11);
  expect(await strays()).toEqual([]);
  await page.getByRole("link", { name: "night-watch, failed" }).click();
  await page.waitForURL(/\/agent\/night-watch$/);
  expect(problems).toEqual([]);
});
