import type { Page } from "playwright-core";
import { AGENT_DRAWERS, DRAWERS, ROUTES, type DrawerName, type Route } from "../../ui/routes.ts";

/** A possible state of the screen: an address, and the actions before it is checked. */
export interface PageScene {
  path: string;
  act?: (page: Page) => Promise<unknown>;
}
type Scenes = Record<string, PageScene>;

const dialog = (page: Page) => page.getByRole("dialog").waitFor();
/** `?` opens the list of keys, if no box has the focus. */
const keys: PageScene["act"] = async (page) => {
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.keyboard.press("?");
  await dialog(page);
};
const menu = async (page: Page): Promise<void> => {
  await page.getByRole("button", { name: "more for hm1nd" }).click();
  await page.getByRole("menuitem").first().waitFor();
};

/** The scenes of each page. A route without an entry does not compile, and `scenes` refuses it. */
const PAGES: Record<Route, Scenes> = {
  "/": {
    dashboard: { path: "/" },
    "dashboard, agents": { path: "/?tab=swarm" },
    "dashboard, inbox": { path: "/?tab=inbox" },
    "dashboard, flow": { path: "/?tab=flow" },
    "dashboard, inputs": { path: "/?tab=meta" },
    "dashboard, search": { path: "/?tab=flow&q=words" },
    "dashboard, keys": { path: "/", act: keys },
    "dashboard, menu of a row": { path: "/?tab=swarm", act: menu },
    "dashboard, kill": {
      path: "/?tab=swarm",
      async act(page) {
        await menu(page);
        await page.getByRole("menuitem", { name: "kill…" }).click();
        await page.getByRole("alertdialog").waitFor();
      },
    },
    "dashboard, names for the box": {
      path: "/?tab=flow",
      act: (page) => page.locator(".flow .compose textarea").fill("@"),
    },
    "dashboard, many lines in the box": {
      path: "/?tab=flow",
      act: (page) => page.locator(".flow .compose textarea").fill("line\n".repeat(60)),
    },
  },
  "/agent/$name": {
    agent: { path: "/agent/hm1nd" },
    "agent, about": { path: "/agent/hm1nd?tab=side" },
    "agent, changes": { path: "/agent/hm1nd?tab=changes" },
    "agent, turns": { path: "/agent/hm1nd?tab=turns" },
    "agent, files": { path: "/agent/hm1nd?tab=files&path=/state/" },
    "agent, a file": { path: "/agent/hm1nd?tab=files&path=/state/notes.md" },
    "agent, commands": { path: "/agent/hm1nd", act: (page) => page.locator(".term textarea").last().fill("/") },
    "agent, help": {
      path: "/agent/hm1nd",
      async act(page) {
        await page.locator(".term textarea").last().fill("/help");
        await page.keyboard.press("Enter");
        await dialog(page);
      },
    },
    "agent, many lines in the box": {
      path: "/agent/hm1nd",
      act: (page) => page.locator(".term textarea").last().fill("line\n".repeat(60)),
    },
    "agent, keys": { path: "/agent/hm1nd", act: keys },
    "no such agent": { path: "/agent/nobody" },
  },
  "/approval/$id": {
    request: { path: "/approval/42" },
    "request, side by side": { path: "/approval/42?view=split" },
    "request, denied with a long note": {
      path: "/approval/42",
      async act(page) {
        const deny = page.locator(".actbar button.deny");
        if ((await deny.count()) === 0) return;
        await deny.click();
        await page.locator(".actbar textarea").fill("line\n".repeat(60));
      },
    },
    "request, keys": { path: "/approval/42", act: keys },
  },
  "/history": { history: { path: "/history" }, "history, keys": { path: "/history", act: keys } },
  "/work": { work: { path: "/work" } },
  "/work/$repo": {
    repository: { path: "/work/web" },
    "repository, many lines in a setting": {
      path: "/work/web",
      async act(page) {
        const field = page.locator(".part textarea").first();
        if ((await field.count()) > 0) await field.fill("line\n".repeat(60));
      },
    },
    "no such repository": { path: "/work/none" },
  },
  "/change/$id": {
    change: { path: "/change/12" },
    "change, side by side": { path: "/change/12?view=split" },
    "change, in a pull request": { path: "/change/19" },
    "change, many lines in a comment": {
      path: "/change/12",
      async act(page) {
        await page.locator(".talk .begin").click();
        await page.locator(".talk textarea").fill("line\n".repeat(60));
      },
    },
  },
  "/usage": {
    usage: { path: "/usage" },
    "usage, a year": { path: "/usage?view=366d" },
    "usage, keys": { path: "/usage", act: keys },
  },
  "/swarm": { swarm: { path: "/swarm" }, "swarm, keys": { path: "/swarm", act: keys } },
};

const over = (what: string): Scenes => ({
  [`drawer ${what}`]: { path: `/?open=${what}` },
  [`drawer ${what} over an agent's page`]: { path: `/agent/hm1nd?open=${what}` },
});
/** The scenes of each drawer. */
const OPENED: Record<DrawerName, Scenes> = {
  ...(Object.fromEntries(AGENT_DRAWERS.map((one) => [one, over(`${one}:hm1nd`)])) as Record<
    (typeof AGENT_DRAWERS)[number],
    Scenes
  >),
  cost: { ...over("cost:hm1nd"), ...over("cost") },
  config: {
    ...over("config:hm1nd"),
    "drawer config, edited": {
      path: "/?open=config:hm1nd",
      async act(page) {
        const edit = page.getByRole("button", { name: "edit…" });
        await edit.click();
      },
    },
  },
  check: { "drawer check:12 over an agent's page": { path: "/agent/hm1nd?open=check:12" } },
  repo: { "drawer repo over an agent's page": { path: "/agent/hm1nd?open=repo" } },
  login: over("login"),
  you: over("you"),
  secrets: over("secrets"),
  credentials: over("credentials"),
  limits: {
    ...over("limits"),
    ...over("limits:agent:hm1nd"),
    "drawer limits, one opened, over an agent's page": {
      path: "/agent/hm1nd?open=limits",
      async act(page) {
        const change = page.getByRole("dialog").getByRole("button", { name: /^change/ });
        if ((await change.count()) > 0) await change.first().click();
      },
    },
  },
  thread: over("thread:5000"),
  spawn: {
    ...over("spawn"),
    "drawer spawn, with a long text": {
      path: "/?open=spawn",
      async act(page) {
        await page.getByRole("dialog").locator("textarea").fill("line\n".repeat(60));
      },
    },
  },
};

/** Every scene by name, including the page before the login and a page that does not exist. */
export function pageScenes(): Scenes {
  for (const route of ROUTES) if (!(route in PAGES)) throw new Error(`no scene shows the page ${route}`);
  for (const drawer of DRAWERS) if (!(drawer in OPENED)) throw new Error(`no scene shows the drawer ${drawer}`);
  return Object.assign(
    { login: { path: "/login" }, "no such page": { path: "/nowhere" } },
    ...Object.values(PAGES),
    ...Object.values(OPENED),
  ) as Scenes;
}

/** The main part of each page. A page that has nothing to show, and an unknown address, have `main.loading`. */
const MAINS: Record<Route, string> = {
  "/": "main.dashboard",
  "/agent/$name": "main.agent-page, main.loading",
  "/approval/$id": "main.review-page",
  "/history": "main.history",
  "/work": "main.work-page",
  "/work/$repo": "main.repo-page, main.loading",
  "/change/$id": "main.review-page",
  "/swarm": "main.swarm-page",
  "/usage": "main.usage-page",
};
function mainOf(path: string): string {
  if (path === "/login") return "main.login-card";
  const route = ROUTES.find((one) => new RegExp(`^${one.replace(/\$\w+/, "[^/]+")}$`).test(path));
  return route === undefined ? "main.loading" : MAINS[route];
}

const twoFrames = (page: Page): Promise<unknown> =>
  page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

/** Navigates without a load, as a link within the app does. Most of the cost of a page is its load. */
export async function follow(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => {
    history.pushState({}, "", to);
    dispatchEvent(new PopStateEvent("popstate", { state: {} }));
  }, path);
  await twoFrames(page);
}

/** Goes to the address from a page that has nothing open and no draft. Costs half of a load. */
export async function followAnew(page: Page, path: string): Promise<void> {
  await follow(page, "/nowhere");
  await page.evaluate(() => {
    sessionStorage.clear();
    localStorage.clear();
  });
  await follow(page, path);
}

/** The parts of a page that a phone shows as tabs. A desktop shows all of them whatever the address names. */
const PHONE_TAB = /[?&]tab=(?:swarm|inbox|meta|side)(?:&|$)/;
/** True if the address names something that only a phone shows differently. */
export const isForPhone = (path: string): boolean => PHONE_TAB.test(path);

/** Resolves once the page has drawn what its address names, and no fetch is pending. */
export async function drawn(page: Page): Promise<void> {
  await page
    .locator(mainOf(new URL(page.url()).pathname))
    .first()
    .waitFor();
  if (new URL(page.url()).searchParams.has("open")) await dialog(page);
  await page.waitForFunction(
    // The body also has the embedded state, which is long.
    () =>
      !/loading…|reading the (diff|request|change)…|searching…/.test(
        (document.querySelector("#app") ?? document.body).textContent ?? "",
      ),
  );
  await twoFrames(page);
}
