import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectLines } from "../../src/rpc/client.ts";
import type { Role } from "../../src/wire/roles.ts";
import { sharedBrowser } from "../lib/browser.ts";
import { IDLE_CLI, TestHive } from "../lib/hive.ts";

/** Operators of a real daemon: their sockets, and what each role sees and can do in a browser. */

const ME = userInfo().username;
const isRoot = process.getuid?.() === 0;
let hive: TestHive;
let browser: Browser;
let run: string;
beforeAll(async () => {
  run = mkdtempSync(join(tmpdir(), "run-"));
  chmodSync(run, 0o755);
  hive = await new TestHive({ ...IDLE_CLI, HIVE_RUN_DIR: run }).start();
  browser = await sharedBrowser();
  await hive.call("request_spawn", { name: "scout", description: "looks around" });
  const manager = await connectLines(hive.agentSocket("hm1nd"));
  await manager.call("ask_operator", { question: "tea or coffee?", options: ["tea", "coffee"] });
  await manager.call("send", { to: "operator", body: "I have asked" });
  manager.close();
});
afterAll(async () => {
  await hive.dispose();
  rmSync(run, { recursive: true, force: true });
});

const socketOf = (name: string): string => join(run, "operators", `${name}.sock`);

/** A page of an operator who logged in with a link from its own socket. */
async function pageOf(name: string, width = 1440): Promise<Page> {
  const client = await connectLines(socketOf(name), { ordered: true });
  const { url } = await client.call("login", {});
  client.close();
  const context = await browser.newContext({ viewport: { width, height: 900 } });
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForSelector("main.dashboard");
  return page;
}

/** The buttons that act: of the cards, the rows and the bar. */
const ACTS = ["◆ APPR0VE", "deny…", "answer", "close…", "pause", "+ request spawn", "stop all…", "mark read"];
async function actsOn(page: Page): Promise<string[]> {
  await page.goto(`${new URL(page.url()).origin}/?card=request-${await requestId()}`);
  await page.locator(".card.approval").waitFor();
  const seen = await page.locator("button:visible").allInnerTexts();
  await page.goto(`${new URL(page.url()).origin}/?card=question-${await questionId()}`);
  await page.locator(".card.q").waitFor();
  seen.push(...(await page.locator("button:visible").allInnerTexts()));
  const words = seen.map((text) => text.replaceAll(/\s+/g, " ").trim());
  return ACTS.filter((act) => words.some((text) => text.startsWith(act)));
}
const requestId = async (): Promise<number> => (await hive.call("pending", {})).approvals[0]?.id ?? 0;
const questionId = async (): Promise<number> => (await hive.call("questions", {})).questions[0]?.id ?? 0;

describe("in a browser", () => {
  test.each(["admin", "operator", "viewer"] as const satisfies Role[])("%s", async (role) => {
    await hive.call("operator_add", { name: role === "operator" ? "oskar" : role, role, user: ME });
    const name = role === "operator" ? "oskar" : role;
    const page = await pageOf(name);
    expect(await page.locator(".bar .you").innerText()).toMatch(new RegExp(`${name}\\s+${role}$`));
    expect(await actsOn(page)).toEqual(role === "viewer" ? [] : ACTS);
    const why = `You are logged in as ${name}, a viewer: you can read, and not act.`;
    expect(await page.getByText(why).count()).toBe(role === "viewer" ? 2 : 0);
    expect(await page.locator(".compose textarea").count()).toBe(role === "viewer" ? 0 : 1);
    await page.goto(`${hive.home}/agent/hm1nd`);
    await page.locator(".head .you").waitFor();
    expect(await page.getByRole("button", { name: "new session" }).count()).toBe(role === "viewer" ? 0 : 1);
    await page.goto(`${hive.home}/work`);
    await page.locator("main").waitFor();
    expect(await page.getByText("+ add").count()).toBe(role === "admin" ? 1 : 0);
    await page.context().close();
  });

  test("a role that changes counts at once, and a decision shows who made it", async () => {
    const [page, other] = [await pageOf("oskar"), await pageOf("admin")];
    const id = await requestId();
    for (const one of [page, other]) await one.goto(`${hive.home}/?card=request-${id}`);
    const approve = page.locator("button.approve");
    await approve.waitFor();
    await hive.call("operator_set", { name: "oskar", role: "viewer" });
    await approve.waitFor({ state: "detached" });
    await hive.call("operator_set", { name: "oskar", role: "operator" });
    await approve.waitFor();
    await page.getByRole("button", { name: "deny…" }).click();
    await page.getByRole("button", { name: "deny", exact: true }).click();
    await other.goto(`${hive.home}/approval/${id}`);
    await other.getByText("denied by operator/oskar").waitFor();
    await hive.call("operator_remove", { name: "oskar" });
    await page.waitForURL(/\/login$/);
    for (const one of [page, other]) await one.context().close();
  });
});

describe("a socket", () => {
  const asNobody = (script: string): Promise<{ stdout: string }> =>
    promisify(execFile)("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", script]);

  test("belongs to its Unix user, who can open no other", async () => {
    if (!isRoot) {
      await expect(hive.call("operator_add", { name: "bob", role: "viewer", user: "nobody" })).rejects.toThrow("not to nobody");
      return;
    }
    await hive.call("operator_add", { name: "bob", role: "viewer", user: "nobody" });
    expect(statSync(socketOf("bob"))).toMatchObject({ uid: 65534, mode: 0o140600 });
    const may = (path: string): Promise<string> =>
      asNobody(`[ -w ${path} ] && echo yes || echo no`).then(({ stdout }) => stdout.trim());
    expect([await may(socketOf("bob")), await may(socketOf("admin")), await may(hive.socket)]).toEqual(["yes", "no", "no"]);
    expect(await may(hive.agentSocket("hm1nd"))).toBe("no");
    await expect(asNobody(`ls ${join(run, "operators")}`)).rejects.toThrow("Permission denied");
    // It is there again after a restart, and nothing is left of one that was removed.
    await hive.call("operator_remove", { name: "admin" });
    await hive.stop();
    await hive.start();
    expect(statSync(socketOf("bob"))).toMatchObject({ uid: 65534, mode: 0o140600 });
    expect(statSync(socketOf("admin"), { throwIfNoEntry: false })).toBeUndefined();
  });
});
