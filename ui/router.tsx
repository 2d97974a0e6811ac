import { Outlet, createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { useEffect, type ReactNode } from "react";
import { Dashboard } from "./dashboard/page.tsx";
import { Toasts } from "./kit/toast.tsx";
import { useHeld } from "./lib/store.ts";
import { waiting } from "./lib/waiting.ts";

/** What can be open over a page; part of the address, so that it can be linked and left with "back". */
export interface PageSearch {
  open?: string | undefined;
  tab?: string | undefined;
  with?: string | undefined;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const validateSearch = (search: Record<string, unknown>): PageSearch => ({
  open: text(search["open"]),
  tab: text(search["tab"]),
  with: text(search["with"]),
});

function Root(): ReactNode {
  const { state, isLive, error } = useHeld();
  const waits = state ? waiting(state) : 0;
  useEffect(() => {
    const base = document.title.replace(/^\(\d+\) /, "");
    document.title = waits > 0 ? `(${waits}) ${base}` : base;
  });
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
      {state && !isLive && (
        <div className="offline" role="status">
          reconnecting… what you see may be old
        </div>
      )}
      <Toasts />
    </>
  );
}

const root = createRootRoute({
  component: Root,
  notFoundComponent: () => (
    <main className="loading">
      <p>There is no such page.</p>
      <a href="/">to the dashboard</a>
    </main>
  ),
});
const dashboard = createRoute({ getParentRoute: () => root, path: "/", component: Dashboard, validateSearch });
const agent = createRoute({
  getParentRoute: () => root,
  path: "/agent/$name",
  component: lazyRouteComponent(() => import("./agent/page.tsx"), "AgentPage"),
  validateSearch,
});

export const router = createRouter({ routeTree: root.addChildren([dashboard, agent]), defaultPreload: false });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
