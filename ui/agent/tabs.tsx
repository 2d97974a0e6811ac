import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

/** The tabs of an agent's page, as the address names them. `tail` is the page without a tab. */
export const TABS = ["tail", "changes", "files", "turns"] as const;
export type Tab = (typeof TABS)[number];

/** The tab of an address. What it does not know, and the part that only a phone has, is the tail. */
export const tabOf = (tab: string | undefined): Tab => TABS.find((one) => one === tab) ?? "tail";

/** The line of tabs over the agent's tail. */
export function Tabs({ tab }: { tab: Tab }): ReactNode {
  return (
    <nav className="agent-tabs" aria-label="parts of the page">
      {TABS.map((one) => (
        <Link
          key={one}
          to="."
          activeOptions={{ exact: true }}
          search={(search) => ({ ...search, tab: one === "tail" ? undefined : one, path: undefined })}
          aria-current={one === tab ? "page" : undefined}
        >
          {one}
        </Link>
      ))}
    </nav>
  );
}
