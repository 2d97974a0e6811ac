import type { Browser } from "playwright-core";
import { describe, expect, test } from "vitest";
import { HiveError } from "../../src/wire/error.ts";
import { busyHive } from "../lib/busy-hive.ts";
import { aMessage, events } from "../lib/fixtures.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openPage } from "../lib/fixture-page.ts";
import { layoutFaults } from "../lib/page-layout.ts";
import { look, sized, usePages, WIDTHS } from "../lib/pages.ts";

/** The operator's messages to and from agents, over made-up data. */

let browser: Browser;
let hive: FixtureHive;
usePages(busyHive, (theBrowser, theHive) => {
  browser = theBrowser;
  hive = theHive;
});

const MARKDOWN = [
  "## Result",
  `see [the paper](https://example.com/paper?${"q".repeat(60)}) and ![a plot](https://example.com/plot.png)`,
  "",
  `| source | papers | cadence | ${"a long name of a column | ".repeat(6)}`,
  `| :-- | --: | :-: | ${"--- | ".repeat(6)}`,
  `| export.arxiv.org | 412 | daily | ${"some words | ".repeat(6)}`,
  "",
  "1. crawl",
  "   - with `curl -s`",
  "   - **once** a day",
  "2. index",
  "",
  "> the mirror is *behind*",
  "> <img src=https://example.com/x onerror=alert(1)>",
  "",
  "```sh",
  "curl -s https://export.arxiv.org",
  "```",
].join("\n");

describe.each(WIDTHS)("at %i px", (width) => {
  test("what an agent writes in Markdown has its form, in a message and in the tail; a link is its address", async () => {
    const message = aMessage("hm1nd", "operator", MARKDOWN, { id: 90, seq: 90 });
    hive.state.messages.push(message, aMessage("operator", "hm1nd", "**as** typed", { id: 91, seq: 91 }));
    hive.answers.turn_events = () => ({ events: events("scout", [{ type: "text", text: MARKDOWN }]), more: false });
    const { page, problems } = await openPage(browser, hive, "/?tab=flow", sized(width));
    const flow = page.getByRole("region", { name: "message flow" });
    await flow.getByText("**as** typed").waitFor();
    await flow.getByRole("button", { name: /characters$/ }).click();
    for (const path of ["", "/agent/scout"]) {
      if (path !== "") await page.goto(hive.home + path);
      const text = path === "" ? flow.locator("#m90 .prose") : page.locator(".tail .prose").first();
      await text.getByRole("listitem").filter({ hasText: "index" }).waitFor();
      expect(await text.getByRole("columnheader", { name: "papers" }).count()).toBe(1);
      expect(await text.getByRole("listitem").filter({ hasText: "crawl" }).getByRole("list").count()).toBe(1);
      const links = await text
        .getByRole("link")
        .evaluateAll((all) => all.map((one) => [one.textContent === one.getAttribute("href"), one.getAttribute("rel")]));
      expect(links).toEqual(Array.from({ length: links.length }, () => [true, "noopener noreferrer"]));
      expect(links.length).toBe(3);
      expect(await text.innerText()).toContain("<img src=https://example.com/x onerror=alert(1)>");
      expect(await page.locator("img").count()).toBe(0);
      expect(await layoutFaults(page)).toEqual([]);
    }
    expect(problems).toEqual([]);
  });
});

/* The same at each width, so checked at one. */

test("at 1440 px sending is optimistic: the box is free at once; a refused message returns with the reason", async () => {
  const { page } = await openPage(browser, hive, "/?tab=flow", sized(1440));
  let refuse = (): void => {};
  hive.answers.send = () =>
    new Promise((_, reject) => {
      refuse = () => reject(new HiveError("rate_limited", "the inbox of scout is full: try later"));
    });
  const box = page.getByRole("textbox", { name: "message to hm1nd" });
  await box.fill("@scout please crawl");
  await box.press("Enter");
  await page.getByText("sending: @scout please crawl").waitFor();
  expect(await box.inputValue()).toBe("");
  await box.fill("the next thought");
  await expect.poll(() => hive.called("send").length).toBe(1);
  refuse();
  await page.getByRole("alert").getByText("the inbox of scout is full: try later").waitFor();
  // Neither text is lost.
  await expect.poll(() => box.inputValue()).toBe("@scout please crawl\nthe next thought");
});

test("at 390 px the same text sent again after a failure is stored once: it has the same key", async () => {
  const { page } = await openPage(browser, hive, "/?tab=flow", sized(390));
  hive.answers.send = () => {
    throw new HiveError("unavailable", "the hive is restarting");
  };
  const box = page.getByRole("textbox", { name: "message to hm1nd" });
  await box.fill("hello");
  await box.press("Enter");
  await page.getByRole("alert").getByText("the hive is restarting").waitFor();
  await box.press("Enter");
  await expect.poll(() => hive.called("send").length).toBe(2);
  const [first, second] = hive.called("send");
  expect(first?.["client_id"]).toBe(second?.["client_id"]);
});

test("at 390 px @ completes existing agents, the recipient stays, a reply says what it answers", async () => {
  const { page, problems } = await openPage(browser, hive, "/?tab=flow", sized(390));
  const box = page.getByRole("textbox", { name: /message to/ });
  await box.fill("@sc");
  await page.getByRole("option", { name: "@scout" }).waitFor();
  expect(await page.getByRole("option", { name: "@old-timer" }).count()).toBe(0);
  await box.press("Tab");
  await box.pressSequentially("first");
  await box.press("Enter");
  await expect.poll(() => hive.called("send").at(-1)).toMatchObject({ to: "scout", body: "first" });
  await page.getByRole("textbox", { name: "message to scout" }).fill("second");
  await page.keyboard.press("Enter");
  await expect.poll(() => hive.called("send").at(-1)).toMatchObject({ to: "scout", body: "second" });
  await look(page, "operator inbox");
  await page.getByRole("region", { name: "operator inbox" }).getByRole("button", { name: "reply" }).click();
  await page.getByRole("textbox", { name: "message to hm1nd" }).fill("thanks");
  await page.keyboard.press("Enter");
  await expect.poll(() => hive.called("send").at(-1)).toMatchObject({ to: "hm1nd", body: "thanks", in_reply_to: 14 });
  // Everyone is written to once; the next message goes to the one before.
  await box.fill("@* good morning");
  await box.press("Enter");
  await expect.poll(() => hive.called("send").at(-1)).toMatchObject({ to: "*", body: "good morning" });
  await page.getByRole("textbox", { name: "message to hm1nd" }).waitFor();
  // A command of the agent's page is a command here, too, and one for everyone is refused.
  const sent = hive.called("send").length;
  await box.fill("@scout /model haiku");
  await box.press("Enter");
  await expect.poll(() => hive.called("model").at(-1)).toEqual({ name: "scout", model: "haiku" });
  await page.getByRole("textbox", { name: "message to scout" }).fill("@* /pause");
  await box.press("Enter");
  await page.getByText("a command is for one agent").waitFor();
  expect(hive.called("send")).toHaveLength(sent);
  expect(problems).toEqual([]);
});

test("at 1440 px messages: filter, thread, delivery states; each is an address, and back works", async () => {
  const { page, problems } = await openPage(browser, hive, "/?tab=flow", sized(1440));
  const flow = page.getByRole("region", { name: "message flow" });
  await flow.getByText("in turn").waitFor();
  await page.getByLabel("show only messages of").selectOption("librarian");
  await flow.getByText("i can index what you find").waitFor();
  expect(await flow.getByText("we need the arXiv digest").count()).toBe(0);
  await page.getByLabel("show only messages of").selectOption("");
  await flow
    .getByRole("link", { name: /answers message 10/ })
    .last()
    .click();
  const thread = page.getByRole("dialog");
  await thread.getByText("can you crawl cs.MA daily?").waitFor();
  await thread.getByText("yes. i lack network").waitFor();
  expect(await thread.getByText("the mirror is 3 commits behind").count()).toBe(0);
  await page.reload();
  await thread.getByText("can you crawl cs.MA daily?").waitFor();
  await page.goBack();
  await thread.waitFor({ state: "detached" });
  // A change of state arrives with its event, and moves nothing else.
  hive.tell({
    kind: "message",
    seq: 6000,
    message: aMessage("librarian", "scout", "i can index what you find, same format?", {
      id: 13,
      seq: 6000,
      state: "queued",
      redelivered: true,
    }),
  });
  await flow.getByText("returned").waitFor();
  expect(problems).toEqual([]);
});
