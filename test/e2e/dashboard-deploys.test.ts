import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { launch, logIn } from "../lib/browser.ts";
import { TestHive } from "../lib/hive.ts";

/** The operator decides in a real browser, over a real hive: what is approved there is deployed. */

let hive: TestHive;
let browser: Browser;
beforeAll(async () => {
  const rules = [
    {
      agents: ["hm1nd"],
      when: { from: "operator", text: "^make scout" },
      steps: [{ tools: [{ name: "request_spawn", input: { name: "scout", description: "looks things up" } }] }, { say: "asked" }],
    },
    {
      agents: ["hm1nd"],
      when: { from: "system", text: '"event":"spawned","agent":"scout"' },
      steps: [{ tools: [{ name: "send", input: { to: "scout", body: "welcome" } }] }, { say: "greeted" }],
    },
    { when: { from: "system" }, steps: [{ say: "noted" }] },
    {
      when: { text: "^welcome" },
      steps: [{ tools: [{ name: "send", input: { to: "operator", body: "scout is here" } }] }, { say: "hello" }],
    },
    { when: { text: "." }, steps: [{ say: "ok" }] },
  ];
  hive = await new TestHive().play(rules).start();
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  await hive.dispose();
});

/** Waits until a request about scout is in a state. Resolves with the newest such request. */
async function request(is: (approval: ApprovalView) => boolean): Promise<ApprovalView> {
  const events = await hive.watch(
    (event) => event.kind === "approval" && event.approval.agent === "scout" && is(event.approval),
    {
      after: 0,
      kinds: ["approval"],
    },
  );
  const last = events.at(-1);
  if (last?.kind !== "approval") throw new Error("unreachable");
  return last.approval;
}
async function propose(config: object, description: string): Promise<ApprovalView> {
  const base64 = Buffer.from(JSON.stringify(config, null, 2)).toString("base64");
  const files = [{ path: "agent.json", mode: "100644" as const, base64 }];
  const { request: id } = await hive.call("propose", { agent: "scout", files, description });
  return request((one) => one.id === id);
}
const rests = () => hive.untilAgent("scout", (agent) => agent.deploying === undefined && agent.state === "idle");
const short = (approval: ApprovalView): string => approval.sha?.slice(0, 7) ?? "";

test("from the manager's request to a rollback: cards, diff, deny with a note, deploys", async () => {
  const { context, page, problems } = await logIn(browser, hive);
  const card = (one: ApprovalView) => page.getByRole("article", { name: new RegExp(`^request ${one.id}:`) });
  const approve = (one: ApprovalView) => card(one).getByRole("button", { name: new RegExp(`approve\\s+${short(one)}`) });

  await hive.call("send", { to: "hm1nd", body: "make scout" });
  const spawn = await request((one) => one.state === "pending");
  await card(spawn).getByText("looks things up").first().waitFor();
  await approve(spawn).click();
  await page.getByText(`deployed/${spawn.id}: scout runs it`).waitFor();
  await page.getByRole("region", { name: "agents" }).getByText("scout").first().waitFor();
  await page.getByRole("region", { name: "operator inbox" }).getByText("scout is here").waitFor();

  await rests();
  const cheaper = await propose({ model: "haiku", description: "looks things up" }, "a cheaper model");
  await card(cheaper).getByText('"model": "haiku",').waitFor();
  await approve(cheaper).click();
  await page.getByText(`deployed/${cheaper.id}: scout runs it`).waitFor();
  expect(await rests()).toMatchObject({ model: "haiku", deployed_sha: cheaper.sha?.slice(0, 12) });

  const denied = await propose({ model: "opus" }, "a dear model");
  await card(denied).getByRole("button", { name: "deny…" }).click();
  await card(denied)
    .getByRole("textbox", { name: `note on request ${denied.id}` })
    .fill("too dear");
  await card(denied).getByRole("button", { name: "deny", exact: true }).click();
  expect(await request((one) => one.id === denied.id && one.state === "denied")).toMatchObject({
    note: "too dear",
    tag: `denied/${denied.id}`,
  });

  // What runs changes while the card is on the screen, so what it showed can no longer be approved.
  const stale = await propose({ model: "sonnet" }, "another");
  await card(stale).getByText('"model": "sonnet"').waitFor();
  const answers = page.waitForResponse((response) => response.url().endsWith("/api/approve"));
  await page.route("**/api/approve", async (route) => {
    const { request: id } = await hive.call("rollback", { agent: "scout", id: spawn.id });
    await request((one) => one.id === id && one.state === "deployed");
    await route.continue();
  });
  await approve(stale).click();
  expect((await answers).ok()).toBe(false);
  await page.getByText("what runs has changed since, look again").first().waitFor();
  await page.unroute("**/api/approve");
  await hive.call("cancel_request", { request: stale.id });
  expect(await rests()).toMatchObject({ deployed_sha: spawn.sha?.slice(0, 12) });

  await page.goto(`${hive.home}/?open=deploys:scout`);
  const earlier = page.getByRole("listitem").filter({ hasText: `deployed/${cheaper.id}` });
  await earlier.getByRole("button", { name: "roll back here…" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "roll back" }).click();
  const back = await request((one) => one.origin === "rollback" && one.sha === cheaper.sha && one.state === "deployed");
  expect(await rests()).toMatchObject({ model: "haiku", deployed_sha: cheaper.sha?.slice(0, 12) });

  const { entries } = await hive.call("audit", { request: back.id });
  expect(entries.find((one) => one.kind === "approved")).toMatchObject({ actor: "operator", sha: cheaper.sha });
  expect((await hive.call("check", {})).holds).toBe(true);
  await context.close();
  // The refusal above is a 409, which the browser logs to its console.
  expect(problems.filter((words) => !words.includes("409"))).toEqual([]);
});
