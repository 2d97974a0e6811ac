import {
  Outlet,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
  type ErrorComponentProps,
  type RouteComponent,
} from "@tanstack/react-router";
import { useEffect, type ReactNode } from "react";
import { Dashboard } from "./dashboard/page.tsx";
import { Toasts } from "./kit/toast.tsx";
import { onNotificationClick } from "./lib/notify.ts";
import { elsewhere } from "./lib/own-port.ts";
import { agentsNow, useHeld } from "./lib/store.ts";
import { visible } from "./lib/text.ts";
import { waiting } from "./lib/waiting.ts";
import type { Route } from "./routes.ts";

/** Overlays and filters of a page. They are in the address, so that they can be linked and left with "back". */
export interface PageSearch {
  open?: string | undefined;
  tab?: string | undefined;
  /** Dashboard: the open card, and what the box answers. */
  card?: string | undefined;
  with?: string | undefined;
  /** The filter of the messages: whose, and with which words. */
  who?: string | undefined;
  q?: string | undefined;
  /** Request and change: the base of the comparison and the layout. Agent and usage: the range of the charts. */
  base?: string | undefined;
  view?: string | undefined;
  /** Agent: the folder or file that the files show; a folder ends with a slash. */
  path?: string | undefined;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const validateSearch = (search: Record<string, unknown>): PageSearch => ({
  open: text(search["open"]),
  tab: text(search["tab"]),
  card: text(search["card"]),
  with: text(search["with"]),
  who: text(search["who"]),
  q: text(search["q"]),
  base: text(search["base"]),
  view: text(search["view"]),
  path: text(search["path"]),
});

/** The icon of the browser tab: something waits, or the page is not connected. */
function favicon(waits: number, isLost: boolean): string {
  if (isLost) return "/favicon-off.svg";
  return waits > 0 ? "/favicon-waits.svg" : "/favicon.svg";
}

function Root(): ReactNode {
  const { state, isLost, error } = useHeld();
  const waits = state ? waiting(state).all : 0;
  useEffect(() => {
    const base = document.title.replace(/^\(\d+\) /, "");
    document.title = waits > 0 ? `(${waits}) ${base}` : base;
  });
  const icon = favicon(waits, isLost && state !== undefined);
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (link && !link.href.endsWith(icon)) link.href = icon;
  }, [icon]);
  return (
    <>
      {state ? (
        <Outlet />
      ) : (
        <main className="loading" role="status">
          <p className="brand">
            ░▒▓ HYPER<i>HIVE</i>
          </p>
          <p className="dim">{error ?? "loading…"}</p>
        </main>
      )}
      {state && isLost && (
        <div className="offline" role="status">
          reconnecting… what you see may be old
        </div>
      )}
      <Toasts />
    </>
  );
}

/** The page of a component that failed, with links onwards. The hive itself is not affected. */
function Failed({ error }: ErrorComponentProps): ReactNode {
  return (
    <main className="loading" role="alert">
      <p>This page has failed. The hive is not affected; `npx hivectl` works.</p>
      <p className="dim">{visible(error instanceof Error ? error.message : String(error))}</p>
      <a href={location.href}>reload</a>
      <a href="/">to the dashboard</a>
    </main>
  );
}

const root = createRootRoute({
  beforeLoad: ({ location: { href } }) => {
    const there = elsewhere(href, agentsNow(), location);
    if (there !== undefined) throw redirect({ href: there });
  },
  component: Root,
  errorComponent: Failed,
  notFoundComponent: () => (
    <main className="loading">
      <p>There is no such page.</p>
      <a href="/">to the dashboard</a>
    </main>
  ),
});
/** The component of each page. The type requires exactly one for each entry of `ROUTES`. */
const PAGES: Record<Route, RouteComponent> = {
  "/": Dashboard,
  "/agent/$name": lazyRouteComponent(() => import("./agent/page.tsx"), "AgentPage"),
  "/approval/$id": lazyRouteComponent(() => import("./approval/page.tsx"), "ApprovalPage"),
  "/history": lazyRouteComponent(() => import("./approval/history.tsx"), "HistoryPage"),
  "/swarm": lazyRouteComponent(() => import("./swarm/page.tsx"), "SwarmPage"),
  "/work": lazyRouteComponent(() => import("./work/page.tsx"), "WorkPage"),
  "/work/$repo": lazyRouteComponent(() => import("./work/repo-page.tsx"), "RepoPage"),
  "/change/$id": lazyRouteComponent(() => import("./work/change-page.tsx"), "ChangePage"),
  "/usage": lazyRouteComponent(() => import("./usage/page.tsx"), "UsagePage"),
};
const page = <Path extends Route>(path: Path) =>
  createRoute({ getParentRoute: () => root, path, component: PAGES[path], validateSearch });

export const router = createRouter({
  routeTree: root.addChildren([
    page("/"),
    page("/agent/$name"),
    page("/approval/$id"),
    page("/history"),
    page("/swarm"),
    page("/work"),
    page("/work/$repo"),
    page("/change/$id"),
    page("/usage"),
  ]),
  defaultPreload: false,
  defaultErrorComponent: Failed,
});

onNotificationClick((path) => void router.navigate({ href: path }));

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
