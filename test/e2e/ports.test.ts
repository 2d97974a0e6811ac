import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { logIn, sharedBrowser } from "../lib/browser.ts";
import { findings } from "../lib/axe.ts";
import { IDLE_CLI, TestHive } from "../lib/hive.ts";
import { EVIL } from "../lib/hostile-hive.ts";
import { calm, whatShows } from "../lib/hostile-look.ts";
import { drawn } from "../lib/page-scenes.ts";
import { agentPort, closeServer, freeBase, takePort } from "../lib/ports.ts";

/** The agents' own ports: each a page with its own API and events, behind the same login. */

/** A request with exactly these headers, as a browser on another page would send it. */
function ask(
  port: number,
  path: string,
  headers: Record<string, string>,
  method = "GET",
): Promise<{ status: number; location: string | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const all = { Host: `127.0.0.1:${port}`, ...headers };
    const outgoing = request({ hostname: "127.0.0.1", port, path, method, agent: false, headers: all }, (incoming) => {
      let body = "";
      incoming.on("data", (chunk: Buffer) => (body += chunk.toString()));
      incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, location: incoming.headers.location, body }));
    });
    outgoing.on("error", reject);
    outgoing.end(method === "POST" ? "{}" : "");
  });
}

let hive: TestHive;
let base: number;
let cookie: string;
beforeAll(async () => {
  base = await freeBase(["ada", "bob"]);
  hive = await new TestHive({ ...IDLE_CLI, HIVE_AGENT_PORTS: "on", HIVE_AGENT_PORT_BASE: String(base) }).start();
  await hive.untilAgent("hm1nd", (agent) => agent.port === base);
  const answer = await fetch(`${hive.home}/api/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token: (await hive.call("login", {})).url.split("#token=")[1] }),
  });
  cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
});
afterAll(() => hive.dispose());

describe("an agent's own port", () => {
  test("serves the agent's page; every other page is on the dashboard", async () => {
    expect(await ask(base, "/", { Cookie: cookie })).toMatchObject({ status: 302, location: "/agent/hm1nd" });
    const page = await ask(base, "/agent/hm1nd", { Cookie: cookie });
    expect(page).toMatchObject({ status: 200, body: expect.stringContaining("<!doctype html>") as string });
    const other = await ask(base, "/agent/ada", { Cookie: cookie });
    expect(other).toMatchObject({ status: 302, location: `${hive.home}/agent/ada` });
  });

  test("has its own API and its own events", async () => {
    const state = JSON.parse((await ask(base, "/api/state", { Cookie: cookie })).body) as { state: { agents: object[] } };
    expect(state.state.agents).toMatchObject([{ name: "hm1nd", port: base }]);
    const events = await fetch(`http://127.0.0.1:${base}/api/events?agent=hm1nd`, { headers: { Cookie: cookie } });
    const reader = events.body?.getReader();
    await hive.call("send", { to: "hm1nd", body: "seen on the port" });
    let text = "";
    while (!text.includes("seen on the port")) text += new TextDecoder().decode((await reader?.read())?.value);
    await reader?.cancel();
  });

  test("is linked from the agent's page; there, links to other pages lead back to the dashboard", async () => {
    const { context, page, problems } = await logIn(await sharedBrowser(), hive);
    await page.goto(`${hive.home}/agent/hm1nd`);
    const own = page.getByRole("link", { name: String(base), exact: true });
    expect(await own.getAttribute("href")).toBe(`http://127.0.0.1:${base}/`);
    await own.click();
    await page.waitForURL(`http://127.0.0.1:${base}/agent/hm1nd`);
    await page.getByRole("log", { name: "turns of hm1nd" }).waitFor();
    await page.getByRole("textbox", { name: "message to hm1nd" }).fill("hello from the port");
    await page.keyboard.press("Enter");
    await page.getByRole("log", { name: "turns of hm1nd" }).getByText("hello from the port").first().waitFor();
    await page.locator(".head").getByRole("button", { name: "config" }).click();
    await page.getByRole("dialog").getByRole("tab", { name: "agent.nix" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "all its messages" }).click();
    await page.waitForURL(`${hive.home}/?tab=flow&who=hm1nd`);
    await page.getByRole("log", { name: "messages" }).getByText("hello from the port", { exact: true }).waitFor();
    await page.goBack();
    await page.waitForURL(`http://127.0.0.1:${base}/agent/hm1nd`);
    await page.getByRole("link", { name: "← hive" }).click();
    await page.waitForURL(`${hive.home}/`);
    await page.getByRole("region", { name: "agents" }).waitFor();
    await context.close();
    expect(problems).toEqual([]);
  });

  test("its page at each width: hostile text has no effect in it, and axe finds nothing serious", async () => {
    await hive.call("send", { to: "hm1nd", body: EVIL });
    const context = await (await sharedBrowser()).newContext();
    const page = await context.newPage();
    const wrong: string[] = [];
    page.on("console", (line) => line.type() === "error" && wrong.push(line.text()));
    page.on("pageerror", (error) => wrong.push(error.message));
    page.on("dialog", (dialog) => void dialog.dismiss().then(() => wrong.push(dialog.message())));
    page.on("request", (sent) => {
      if (!sent.url().startsWith(`http://127.0.0.1:${base}/`)) wrong.push(sent.url());
    });
    const link = new URL((await hive.call("login", {})).url);
    link.port = String(base);
    await page.goto(link.href);
    await page.getByRole("log").getByText("evil.example").first().waitFor();
    for (const [open, whole] of [
      ["", ".tail .ev"],
      ["?tab=side", ".side .facts"],
      ["?open=logs:hm1nd", ".drawer .file"],
      ["?open=config:hm1nd", ".drawer .file"],
      ["?open=turns:hm1nd", ".drawer td"],
    ] as const) {
      await page.goto(`http://127.0.0.1:${base}/agent/hm1nd${open}`);
      for (const width of [1440, 390]) {
        await page.setViewportSize({ width, height: 850 });
        await page.locator(whole).first().waitFor();
        await drawn(page);
        expect(await whatShows(page), `${open} at ${width} px`).toEqual(calm);
        expect(await findings(page), `${open} at ${width} px`).toEqual([]);
      }
    }
    await context.close();
    expect(wrong).toEqual([]);
  });

  test("requires the session, and accepts a launch link itself", async () => {
    expect((await ask(base, "/agent/hm1nd", {})).location).toBe("/login");
    for (const path of ["/api/state", "/api/events", "/metrics"]) expect((await ask(base, path, {})).status, path).toBe(401);
    const answer = await fetch(`http://127.0.0.1:${base}/api/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: (await hive.call("login", {})).url.split("#token=")[1] }),
    });
    const { id } = (await hive.call("state", { messages: 0 })).state.hive;
    expect(answer.headers.get("set-cookie")).toMatch(
      new RegExp(`^hive_${id}=[\\w-]{40,}; Max-Age=\\d+; Path=/; HttpOnly; SameSite=Strict$`),
    );
  });

  test("another port's page is foreign in both directions, though it has the cookie", async () => {
    const home = Number(new URL(hive.home).port);
    for (const [to, from] of [
      [base, home],
      [home, base],
    ] as const) {
      const foreign = { Cookie: cookie, Origin: `http://127.0.0.1:${from}`, "Content-Type": "application/json" };
      for (const marks of [
        foreign,
        { ...foreign, "Sec-Fetch-Site": "same-site" },
        { Cookie: cookie, "Sec-Fetch-Site": "same-site" },
      ]) {
        expect((await ask(to, "/api/list", marks, "POST")).status).toBe(403);
        expect((await ask(to, "/api/events", marks)).status).toBe(403);
      }
      const own = { ...foreign, Origin: `http://127.0.0.1:${to}`, "Sec-Fetch-Site": "same-origin" };
      expect((await ask(to, "/api/list", own, "POST")).status).toBe(200);
    }
  });

  test.each(["evil.example", "127.0.0.1", "127.0.0.1:1"])("Host %j is not served", async (host) => {
    expect((await ask(base, "/login", { Host: host })).status).toBe(421);
  });
});

describe("the number of the port", () => {
  test("is derived from the name, is shown, is freed by destroy and stays the same after revive", async () => {
    const port = agentPort("ada", base);
    await hive.call("spawn", { name: "ada" });
    expect(await hive.untilAgent("ada", (agent) => agent.port !== undefined)).toMatchObject({ port, warnings: [] });
    expect((await hive.call("urls", {})).urls).toEqual({
      home: hive.home,
      agents: { hm1nd: `http://127.0.0.1:${base}`, ada: `http://127.0.0.1:${port}` },
    });
    expect((await ask(port, "/", { Cookie: cookie })).location).toBe("/agent/ada");
    await hive.call("destroy", { name: "ada" });
    await expect(ask(port, "/", { Cookie: cookie })).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await hive.call("revive", { name: "ada" });
    await hive.untilAgent("ada", (agent) => agent.port === port);
  });

  test("an agent whose port another program has gets the next free one, and keeps it", async () => {
    const port = agentPort("bob", base);
    const squatter = await takePort(port);
    await hive.call("spawn", { name: "bob" });
    const bob = await hive.untilAgent("bob", (agent) => agent.port !== undefined && agent.state === "idle");
    expect(bob).toMatchObject({ port: port + 1, warnings: [] });
    const { banners } = (await hive.call("state", { messages: 0 })).state.hive;
    expect(banners.map((banner) => banner.text).join()).not.toContain("port");
    expect((await ask(port + 1, "/", { Cookie: cookie })).location).toBe("/agent/bob");
    await closeServer(squatter);
    await hive.call("restart", { name: "bob" });
    expect(await hive.untilAgent("bob", (agent) => agent.state === "idle")).toMatchObject({ port: port + 1, warnings: [] });
  });

  test("is kept over a restart, even if the base has changed", async () => {
    const port = agentPort("ada", base);
    await hive.stop({ atOnce: true });
    await hive.start({ env: { HIVE_AGENT_PORT_BASE: String(base + 100) } });
    await hive.untilAgent("ada", (agent) => agent.port === port);
  });

  test("off means off", async () => {
    await hive.stop({ atOnce: true });
    await hive.start({ env: { HIVE_AGENT_PORTS: "off" } });
    await hive.untilAgent("ada", (agent) => agent.port === undefined && agent.warnings.length === 0);
    expect((await hive.call("urls", {})).urls).toEqual({ home: hive.home });
    await expect(ask(base, "/healthz", {})).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});
