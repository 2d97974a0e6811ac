import { execFile } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { logIn, sharedBrowser } from "../lib/browser.ts";
import { cleanEnv, TestHive } from "../lib/hive.ts";

/** The history of a real hive: search, turns and their figures, connections, a log that follows. */

let hive: TestHive;
let browser: Browser;
beforeAll(async () => {
  hive = await new TestHive()
    .play([
      {
        when: { text: "^fetch" },
        steps: [
          { tools: [{ name: "Bash", input: { command: "curl -s -m 5 https://not-allowed.example/ || true" } }] },
          { say: "tried" },
        ],
      },
      { when: { from: "system" }, steps: [{ say: "noted" }] },
      {
        when: { text: "." },
        steps: [
          { tools: [{ name: "send", input: { to: "operator", body: "about {{body}}: the crawler is fine" } }] },
          { say: "ok" },
        ],
      },
    ])
    .start();
  browser = await sharedBrowser();
});
afterAll(() => hive.dispose());

test("a message is found in the whole history as soon as its send was answered", async () => {
  await hive.call("send", { to: "hm1nd", body: "zebra report" });
  const { messages } = await hive.call("search", { words: "zeb" });
  expect(messages.map((message) => message.body)).toContain("zebra report");
  await hive.untilMessage((message) => message.body === "about zebra report: the crawler is fine");
  expect((await hive.call("search", { words: "crawl zebra", agent: "operator" })).messages).toHaveLength(1);
  await expect(hive.call("search", { words: "zebra", agent: "nobody" })).rejects.toThrow(/not managed/);
  // A hundred newer ones push it out of the page's first window.
  await hive.call("spawn", { name: "mute" });
  await hive.call("set_paused", { name: "mute", paused: true });
  for (let n = 0; n < 110; n++) await hive.call("send", { to: "mute", body: `filler ${n}` });

  const { context, page, problems } = await logIn(browser, hive);
  const flow = page.getByRole("region", { name: "message flow" });
  const found = page.getByRole("group", { name: "search results" });
  for (const width of [390, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    await page.goto(`${hive.home}/?tab=flow`);
    await flow.getByText("filler 109").waitFor();
    if (width > 900) await page.locator(".compose textarea:focus").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    await page.locator("input.search:focus").waitFor();
    await page.keyboard.type("zebr repo");
    await found.getByText("2 messages").waitFor();
    expect(await found.locator("mark").allTextContents()).toContain("zebr");
    await flow.getByText("zebra report", { exact: true }).waitFor();
    // The search is part of the address: it can be linked, and left.
    expect(new URL(page.url()).searchParams.get("q")).toBe("zebr repo");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  }
  await page.getByLabel("show only messages of").selectOption("mute");
  await found.getByText("No message has to do with mute").waitFor();
  await page.getByLabel("show only messages of").selectOption("");
  await page.reload();
  await flow.getByText("zebra report", { exact: true }).waitFor();
  await page.getByRole("searchbox", { name: "search all messages" }).fill("nowhereatall");
  await flow.getByText("0 messages").waitFor();
  await page.keyboard.press("Escape");
  await flow.getByText("filler 109").waitFor();
  // Scrolling back loads what the first window lacked.
  await flow.getByRole("log").hover();
  await flow.getByRole("log").evaluate((list) => list.scrollTo(0, 0));
  await flow.getByText("zebra report", { exact: true }).waitFor();
  await context.close();
  expect(problems).toEqual([]);
});

test("turns, figures and connections of an agent, on its page and as data", async () => {
  await hive.call("send", { to: "hm1nd", body: "fetch it" });
  await hive.untilAgent("hm1nd", (agent) => agent.state === "idle" && (agent.last_turn?.turn ?? 0) >= 2);
  const { turns } = await hive.call("turns", { agent: "hm1nd", limit: 1 });
  expect(turns).toMatchObject([{ from: "operator", result: "ok" }]);
  expect((await hive.call("turns", { agent: "hm1nd", before: turns[0]?.turn ?? 0 })).turns[0]?.turn).toBe(
    (turns[0]?.turn ?? 0) - 1,
  );
  const { total, buckets } = await hive.call("statistics", { agent: "hm1nd", range: "24h" });
  expect(total.turns).toBeGreaterThanOrEqual(2);
  expect(total.tokens).toBeGreaterThan(0);
  expect(buckets.reduce((sum, bucket) => sum + bucket.turns, 0)).toBe(total.turns);
  const used = await hive.call("usage", { agent: "hm1nd" });
  const today = new Date().toISOString().slice(0, 10);
  expect(used.rows.at(0)).toMatchObject({ agent: "hm1nd" });
  expect(used.rows.every((row) => row.day <= today)).toBe(true);
  expect(used.total.tokens.output).toBe(used.rows.reduce((sum, row) => sum + row.tokens.output, 0));
  expect(used.total.tokens.output).toBeGreaterThan(0);
  expect((await hive.call("usage", {})).total.requests).toBeGreaterThanOrEqual(used.total.requests);
  await expect(hive.call("usage", { agent: "nobody" })).rejects.toThrow(/not managed/);
  await expect(hive.call("usage", { before: "yesterday" })).rejects.toThrow(/before/);
  const { connections } = await hive.call("egress", { agent: "hm1nd" });
  expect(connections[0]).toMatchObject({ host: "not-allowed.example", port: 443 });
  expect(connections[0]?.verdict).not.toBe("allowed");

  const { context, page, problems } = await logIn(browser, hive);
  await page.goto(`${hive.home}/agent/hm1nd`);
  await page.getByRole("img", { name: /^turns, 24h: \d/ }).waitFor();
  await page.getByText("connection denied: not-allowed.example:443 (not listed)").first().waitFor();
  await page.locator("ul.egress").getByText("not-allowed.example:443").waitFor();
  await page.getByRole("link", { name: /\d today$/ }).click();
  await page.getByRole("dialog").getByText("Days are those of").waitFor();
  await page.getByRole("row", { name: /^all days/ }).waitFor();
  expect(new URL(page.url()).searchParams.get("open")).toBe("cost:hm1nd");
  await page.goBack();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "7d" }).click();
  await page.getByRole("img", { name: /^tokens, 7d/ }).waitFor();
  await page.getByRole("link", { name: "every turn in a table" }).click();
  await page.getByRole("dialog").getByRole("cell", { name: "ok" }).first().waitFor();
  await page.goBack();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  // Back goes through the drawers. The range replaces the address, so it is no entry of the history.
  expect(new URL(page.url()).searchParams.get("view")).toBe("7d");
  await context.close();
  expect(problems).toEqual([]);
});

test("where the money goes: the page, its file and the terminal say the same, also of an agent that was removed", async () => {
  await hive.call("spawn", { name: "brief" });
  await hive.call("send", { to: "brief", body: "hello" });
  await hive.untilAgent("brief", (agent) => agent.state === "idle" && (agent.last_turn?.turn ?? 0) >= 1);
  await hive.call("destroy", { name: "brief", purge: true });
  const byAgent = await hive.call("usage_sums", { by: ["agent"] });
  expect(new Set(byAgent.rows.map(({ agent }) => agent))).toEqual(new Set(["brief", "hm1nd"]));
  expect(byAgent.total.tokens.output).toBe(byAgent.rows.reduce((sum, row) => sum + row.tokens.output, 0));
  const brief = byAgent.rows.find(({ agent }) => agent === "brief");
  expect(brief?.tokens.output).toBeGreaterThan(0);
  await expect(hive.call("usage_sums", { by: [] })).rejects.toThrow(/by/);
  await expect(hive.call("usage_sums", { by: ["agent"], days: 367 })).rejects.toThrow(/days/);

  const words = [join(import.meta.dirname, "../../dist/hivectl.js"), "usage", "--by", "agent,day,model,credential", "--csv"];
  const csv = await promisify(execFile)(process.execPath, words, { env: cleanEnv({ HIVE_STATE_DIR: hive.stateDir }) });
  const line = csv.stdout.split(/\r?\n/).find((one) => one.includes(",brief,"));
  expect(line?.split(",")[6]).toBe(String(brief?.tokens.output));

  const { context, page, problems } = await logIn(browser, hive);
  await page.goto(hive.home);
  await page.getByRole("link", { name: /^today / }).click();
  await page.waitForURL("**/usage");
  await page.getByRole("img", { name: /^cost, 30d: / }).waitFor();
  const agents = page.getByRole("region", { name: "tokens and cost by agent" });
  await agents.getByRole("row", { name: /^brief/ }).waitFor();
  await page.getByRole("button", { name: "7d", exact: true }).click();
  await page.getByRole("img", { name: /^tokens, 7d: / }).waitFor();
  expect(new URL(page.url()).searchParams.get("view")).toBe("7d");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
  expect(download.suggestedFilename()).toMatch(/^usage-\d{4}-\d\d-\d\d-to-\d{4}-\d\d-\d\d\.csv$/);
  expect(readFileSync(await download.path(), "utf8").split("\r\n")).toContain(line);
  expect(await agents.getByRole("link", { name: "brief" }).count()).toBe(0);
  await agents.getByRole("link", { name: "hm1nd" }).click();
  await page.getByRole("dialog").getByText("Days are those of").waitFor();
  expect(new URL(page.url()).searchParams.get("open")).toBe("cost:hm1nd");
  await context.close();
  expect(problems).toEqual([]);
});

test("the log panel follows the cage's log", async () => {
  const { context, page, problems } = await logIn(browser, hive);
  await page.goto(`${hive.home}/?open=logs:hm1nd`);
  await page.getByRole("log", { name: "log of hm1nd" }).waitFor();
  const { position } = await hive.call("logs", { name: "hm1nd", lines: 5 });
  const file = join(await hive.folderOf("hm1nd"), "cage.log");
  const waiting = hive.call("logs", { name: "hm1nd", after: position });
  appendFileSync(file, "\u001B[31ma red line\u001B[0m\n");
  expect((await waiting).lines).toEqual(["\u001B[31ma red line\u001B[0m"]);
  // On the page in its colour, without the sequence itself.
  await page.locator(".ansi-red", { hasText: /^a red line$/ }).waitFor();
  await context.close();
  expect(problems).toEqual([]);
});
