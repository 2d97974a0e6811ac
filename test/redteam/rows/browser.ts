import { randomBytes } from "node:crypto";
import type { Attacker } from "../outside/attacker.ts";
import type { Place } from "../outside/place.ts";
import type { OutsideRow } from "../row.ts";
import { hostileTextRows } from "./browser-text.ts";

/** Pages of other origins in the operator's own browser, and what text could do in the operator's page if it became code. */

type BrowserRow = OutsideRow<Place>;
const row = (
  id: string,
  attempt: string,
  barrier: string,
  refusal: RegExp,
  run: (attacker: Attacker, place: Place) => Promise<string>,
): BrowserRow => ({
  from: "browser",
  id: `browser-${id}`,
  attempt,
  barrier,
  refusal,
  run: async (place) => run(await place.attacker(), place),
});

const SITES = [
  ["same", "another port of this machine, which shares the cookie"],
  ["cross", "another site"],
] as const;
const ORIGIN = "the check of Origin and Sec-Fetch-Site";
const refused = (words: string): never => {
  throw new Error(words);
};
/** A JSON request as the single field of a form in plain text. */
const field = (body: string): string => `name='{"to":"ada","body":"${body}","x":"' value='"}'`;

const pages: readonly BrowserRow[] = SITES.flatMap(([site, words]) => [
  row(
    `frame-${site}`,
    `put the dashboard into a frame of a page of ${words}`,
    "frame-ancestors 'none'",
    /frame-ancestors/,
    async (attacker, place) => {
      await attacker.open(`<iframe src="${place.hive.home}/" onload="window.loaded = true"></iframe>`, site);
      await attacker.page.waitForFunction(() => "loaded" in window);
      const framed = attacker.page.frames().some((frame) => frame.url().startsWith(place.hive.home));
      return framed ? "the dashboard is in the frame" : refused(await attacker.says(/frame/i));
    },
  ),
  row(`form-${site}`, `send a form to the hive from a page of ${words}`, ORIGIN, /another origin/, async (attacker, place) => {
    const body = mark();
    await attacker.open(
      `<form id="f" method="post" enctype="text/plain" action="${place.hive.home}/api/send"><input ${field(body)}></form>`,
      site,
    );
    await Promise.all([
      attacker.page.waitForURL(`${place.hive.home}/**`),
      attacker.page.evaluate(() => document.forms[0]?.submit()),
    ]);
    const answer = await attacker.page.locator("body").innerText();
    return (await place.hasMessage(body)) ? "the message is in the hive" : refused(answer);
  }),
  row(
    `fetch-${site}`,
    `send text to the hive by a script of ${words}`,
    ORIGIN,
    /the message has not arrived/,
    async (attacker, place) => {
      const body = mark();
      await attacker.open("", site);
      await attacker.page.evaluate(
        async ([url, text]) => {
          await fetch(url ?? "", { method: "POST", mode: "no-cors", credentials: "include", body: text ?? "" }).catch(() => {}); // Seen from outside.
        },
        [`${place.hive.home}/api/send`, JSON.stringify({ to: "ada", body })],
      );
      // The browser hides the refusal from the page: that nothing was sent is seen in the hive.
      if (await place.hasMessage(body)) return "the message is in the hive";
      return refused(`the message has not arrived: ${await attacker.fails(/ERR_/)}`);
    },
  ),
  row(
    `json-${site}`,
    `send JSON to the hive by a script of ${words}`,
    "no CORS headers",
    /CORS policy/,
    async (attacker, place) => {
      const body = mark();
      await attacker.open("", site);
      await attacker.page.evaluate(
        async ([url, text]) => {
          await fetch(url ?? "", {
            method: "POST",
            credentials: "include",
            headers: { "Content-Type": "application/json" },
            body: text ?? "",
          }).catch(() => {}); // Seen on the console.
        },
        [`${place.hive.home}/api/send`, JSON.stringify({ to: "ada", body })],
      );
      return (await place.hasMessage(body)) ? "the message is in the hive" : refused(await attacker.says(/CORS/));
    },
  ),
  row(`read-${site}`, `read the state by a script of ${words}`, "no CORS headers", /CORS policy/, async (attacker, place) => {
    await attacker.open("", site);
    const text = await attacker.page.evaluate(async (url) => {
      try {
        return await (await fetch(url, { credentials: "include" })).text();
      } catch {
        return ""; // Seen on the console.
      }
    }, `${place.hive.home}/`);
    return text === "" ? refused(await attacker.says(/CORS/)) : text.slice(0, 80);
  }),
  row(
    `embed-${site}`,
    `load the page with the state as an image, a script and a style of ${words}`,
    "Cross-Origin-Resource-Policy",
    /ERR_BLOCKED_BY_RESPONSE/,
    async (attacker, place) => {
      const address = `${place.hive.home}/`;
      await attacker.open(
        `<img src="${address}"><script src="${address}"></script><link rel="stylesheet" href="${address}">`,
        site,
      );
      return refused(await attacker.fails(/ERR_BLOCKED_BY_RESPONSE/));
    },
  ),
  row(`events-${site}`, `follow the events by a script of ${words}`, ORIGIN, /the stream has failed/, async (attacker, place) => {
    await attacker.open("", site);
    const end = await attacker.page.evaluate(
      (url) =>
        new Promise<string>((resolve) => {
          const source = new EventSource(url, { withCredentials: true });
          source.addEventListener("open", () => resolve("the stream is open"));
          source.addEventListener("error", () => resolve("")); // The browser tells the page nothing more.
        }),
      `${place.hive.home}/api/events`,
    );
    return end === "" ? refused(`the stream has failed: ${await attacker.fails(/ERR_/)}`) : end;
  }),
  row(
    `window-${site}`,
    `steer a window with the dashboard from a page of ${words}`,
    "Cross-Origin-Opener-Policy",
    /the window is severed/,
    async (attacker, place) => {
      await attacker.open(`<button onclick="window.w = window.open('${place.hive.home}/login')">open</button>`, site);
      const [popup] = await Promise.all([attacker.context.waitForEvent("page"), attacker.page.getByRole("button").click()]);
      await popup.waitForLoadState();
      const reach = await attacker.page.evaluate(() => {
        const { w } = window as unknown as { w: Window };
        return w.closed ? "closed" : `it has ${w.length} frames`;
      });
      const opener = await popup.evaluate(() => (window.opener === null ? "null" : "the page"));
      await popup.close();
      return reach === "closed" && opener === "null" ? refused("the window is severed") : `${reach}, its opener is ${opener}`;
    },
  ),
]);

const cookies: readonly BrowserRow[] = [
  row(
    "link",
    "open the dashboard by a link of another site, with the operator's session",
    "SameSite=Strict",
    /^\/login$/,
    async (attacker, place) => {
      await attacker.open(`<a href="${place.hive.home}/">a link</a>`, "cross");
      await attacker.page.getByRole("link").click();
      await attacker.page.waitForURL(`${place.hive.home}/**`);
      const { pathname } = new URL(attacker.page.url());
      return pathname === "/login" ? refused(pathname) : `the dashboard at ${pathname}`;
    },
  ),
  row(
    "cookie-script",
    "read the session's cookie by a script of the hive's own page",
    "HttpOnly",
    /no cookie is visible/,
    async (attacker, place) => {
      await attacker.page.goto(place.hive.home);
      const seen = await attacker.page.evaluate(() => document.cookie);
      const has = (await attacker.context.cookies(place.hive.home)).some(({ name }) => name.startsWith("hive_"));
      if (!has) throw new Error("the browser has no session");
      return seen.includes("hive_") ? "the cookie is visible" : refused("no cookie is visible");
    },
  ),
  row(
    "cookie-toss",
    "log the operator in to a chosen session by a cookie from another port",
    "each log-in makes a new secret",
    /log in first/,
    async (attacker, place) => {
      const name = `hive_${place.id}`;
      await attacker.open("");
      await attacker.page.evaluate((cookie) => void (document.cookie = `${cookie}=${"a".repeat(43)}; path=/api/`), name);
      await attacker.page.goto(`${place.hive.home}/login`);
      const answer = await attacker.page.evaluate(async () => (await fetch("/api/state")).text());
      await attacker.context.clearCookies({ name, path: "/api/" });
      // The browser sends the planted cookie first. The page then asks to log in; there is no other session.
      return answer.includes('"ok":true') ? "a session" : refused(answer);
    },
  ),
];

/** Carries out what a script of a text would do in the operator's page. Rejects with the directive that it violates. */
function policy(id: string, attempt: string, directive: string, act: (evil: string) => unknown): BrowserRow {
  return row(`policy-${id}`, attempt, `the page's policy: ${directive}`, new RegExp(`^${directive}`), async (attacker) => {
    await attacker.atHome();
    const violated = attacker.page.evaluate(
      () =>
        new Promise<string>((resolve) => {
          addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective), { once: true });
          setTimeout(() => resolve(""), 3_000);
        }),
    );
    const thrown = await attacker.page.evaluate(act, "https://evil.example/").then(
      () => "",
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    const what = await violated;
    const isHit = await attacker.page.evaluate(() => "hit" in window);
    if (isHit) return "the script has run";
    if (what === "") return `nothing was violated; ${thrown || "nothing was thrown"}`;
    attacker.isClean = true;
    return refused(what);
  });
}

const policies: readonly BrowserRow[] = [
  policy("markup", "turn text into markup", "require-trusted-types-for", () => {
    document.body.innerHTML = "<img src=x onerror='window.hit=1'>";
  }),
  policy("inline", "turn text into an inline script", "require-trusted-types-for", () => {
    const script = document.createElement("script");
    script.textContent = "window.hit = 1";
    document.body.append(script);
  }),
  policy("handler", "turn text into a handler of an event", "require-trusted-types-for", () => {
    const button = document.createElement("button");
    button.setAttribute("onclick", "window.hit = 1");
    document.body.append(button);
    button.click();
  }),
  policy("javascript", "follow a link to a script", "script-src-elem", () => {
    const link = document.createElement("a");
    link.href = "javascript:window.hit=1";
    document.body.append(link);
    link.click();
  }),
  policy("types", "make a policy for trusted types", "trusted-types", () => {
    (window as unknown as { trustedTypes: { createPolicy(name: string, rules: object): void } }).trustedTypes.createPolicy(
      "evil",
      {},
    );
  }),
  policy("connect", "send something to another host", "connect-src", (evil) => fetch(evil)),
  policy("image", "send something to another host in the address of an image", "img-src", (evil) => {
    new Image().src = evil;
  }),
  policy("form", "send a form to another host", "form-action", (evil) => {
    const form = document.createElement("form");
    form.action = evil;
    document.body.append(form);
    form.submit();
  }),
  policy("base", "make addresses lead to another host", "base-uri", (evil) => {
    const base = document.createElement("base");
    base.href = evil;
    document.head.append(base);
  }),
  policy("frame", "show a page of another host in a frame", "frame-src", (evil) => {
    const frame = document.createElement("iframe");
    frame.src = evil;
    document.body.append(frame);
  }),
  policy("style", "load a style of another host", "style-src-elem", (evil) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = evil;
    document.head.append(link);
  }),
];

const mark = (): string => `browser ${randomBytes(8).toString("hex")}`;

export const browserRows: readonly BrowserRow[] = [...pages, ...cookies, ...policies, ...hostileTextRows];
