import type { Browser, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch } from "../lib/browser.ts";
import { IDLE_CLI, TestHive } from "../lib/hive.ts";
import { freeBase } from "../lib/ports.ts";

/** A passkey confirms approvals: a real daemon at localhost, a real browser, and Chromium's virtual authenticator. */

let hive: TestHive;
let browser: Browser;
let home: string;
beforeAll(async () => {
  const port = await freeBase([]);
  home = `http://localhost:${port}`;
  hive = await new TestHive({ ...IDLE_CLI, HIVE_PORT: String(port), HIVE_PUBLIC_URL: home }).start();
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  await hive.dispose();
});

/** A page that is logged in, in a browser with an authenticator that knows its user. */
async function pageWith(
  width: number,
  at = home,
): Promise<{ page: Page; cdp: CDPSession; posts: Post[]; authenticatorId: string }> {
  const context = await browser.newContext({ viewport: { width, height: 900 } });
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const posts: Post[] = [];
  page.on("request", (request) => {
    if (request.method() === "POST")
      posts.push({ name: new URL(request.url()).pathname.slice(5), headers: request.headers(), body: request.postData() ?? "" });
  });
  const { hash } = new URL((await hive.call("login", {})).url);
  await page.goto(`${at}/login${hash}`);
  await page.waitForSelector("main.dashboard");
  return { page, cdp, posts, authenticatorId };
}

interface Post {
  name: string;
  headers: Record<string, string>;
  body: string;
}

/** A call from the page's own origin, as a script in it would make it. */
const fromPage = (page: Page, name: string, body: string, header?: string): Promise<{ ok: boolean; error?: string }> =>
  page.evaluate(
    async ([path, text, passkey]) => {
      const headers = { "Content-Type": "application/json", ...(passkey === undefined ? {} : { "Hive-Passkey": passkey }) };
      return (await fetch(`/api/${path}`, { method: "POST", headers, body: text ?? "" })).json();
    },
    [name, body, header] as const,
  ) as Promise<{ ok: boolean; error?: string }>;

/** The answer of the page's passkey to a challenge for a call, as a script in the page would get it. */
const answered = (page: Page, operation: string, input: object): Promise<string> =>
  page.evaluate(
    async ([body]) => {
      const headers = { "Content-Type": "application/json" };
      const challenge = await (await fetch("/api/passkey_challenge", { method: "POST", headers, body: body ?? "" })).json();
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(challenge.options);
      const used = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
      return btoa(JSON.stringify(used.toJSON())).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    },
    [JSON.stringify({ operation, input })],
  );

const stateOf = async (id: number): Promise<string> => (await hive.call("show", { id })).approval.state;

describe.each([1440, 390])("at %i px", (width) => {
  test("an operator adds a passkey, needs it for approvals, and a replayed or foreign answer is refused", async () => {
    const { page, cdp, posts, authenticatorId } = await pageWith(width);
    if (width > 900) await page.locator(".bar .you").click();
    else {
      await page.getByRole("button", { name: "more", exact: true }).click();
      await page.getByRole("menuitem", { name: "your passkeys" }).click();
    }
    const drawer = page.getByRole("dialog");
    await drawer.getByLabel("a name for a new passkey").fill(`laptop ${width}`);
    await drawer.getByRole("button", { name: "add a passkey" }).click();
    await drawer.getByText(`laptop ${width}`).first().waitFor();
    await drawer.getByRole("button", { name: "let approvals need my passkey" }).click();
    await drawer.getByText("Your approvals need your passkey.").waitFor();
    await page.keyboard.press("Escape");

    const { request: id } = await hive.call("request_spawn", { name: `ada-${width}`, description: "looks around" });
    const { request: other } = await hive.call("request_spawn", { name: `eve-${width}`, description: "looks around" });
    // Without the passkey: not by a script with the session, and not over the socket.
    const { approval } = await hive.call("show", { id });
    const bare = JSON.stringify({ id, digest: approval.digest });
    expect((await fromPage(page, "approve", bare)).error).toContain("takes its passkey");
    await expect(hive.call("approve", { id })).rejects.toThrow("takes its passkey");
    expect(await stateOf(id)).toBe("pending");

    // With it.
    await page.goto(`${home}/approval/${id}`);
    await page.locator("button.approve").first().click();
    await expect.poll(() => stateOf(id)).not.toBe("pending");
    const used = posts.filter(({ name }) => name === "approve").at(-1);
    const answer = used?.headers["hive-passkey"];
    expect(answer).toMatch(/^[\w-]{100,}$/);
    // The same answer again, and an answer for this request on another one.
    expect((await fromPage(page, "approve", used?.body ?? "", answer)).error).toContain("was used, is too old");
    const { digest } = (await hive.call("show", { id: other })).approval;
    expect((await fromPage(page, "approve", JSON.stringify({ id: other, digest }), answer)).error).toContain(
      "was used, is too old",
    );
    expect(await stateOf(other)).toBe("pending");

    // A fresh answer for one request is none for another.
    const foreign = await answered(page, "approve", { id });
    expect((await fromPage(page, "approve", JSON.stringify({ id: other, digest }), foreign)).error).toContain(
      "for another call or log-in",
    );
    expect(await stateOf(other)).toBe("pending");

    // Without the finger nothing is approved, and the page says so.
    await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
    await page.goto(`${home}/approval/${other}`);
    await page.locator("button.approve").first().click();
    await page.getByText("the passkey was not used: nothing was done").waitFor();
    expect(await stateOf(other)).toBe("pending");
    await hive.call("deny", { id: other });

    // Lost: the admin of host.sock switches it off.
    await hive.call("operator_passkey_off", { name: "operator" });
    await page.goto(`${home}/?open=you`);
    await page.getByRole("dialog").getByText("Your approvals need no passkey.").waitFor();
    await page.getByRole("button", { name: `remove laptop ${width}` }).click();
    await page.getByText(`the passkey laptop ${width} is removed`).waitFor();
    await page.context().close();
  });
});

test("at 127.0.0.1 the page says where passkeys work, and offers no button that fails", async () => {
  const at = home.replace("localhost", "127.0.0.1");
  const { page } = await pageWith(1440, at);
  await page.goto(`${at}/?open=you`);
  await page.getByRole("dialog").getByText(`Your passkeys work at ${home}`).waitFor();
  expect(await page.getByRole("button", { name: "add a passkey" }).count()).toBe(0);
  await page.context().close();
});
