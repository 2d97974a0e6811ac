import { useRouter } from "@tanstack/react-router";
import type { MouseEvent, ReactNode } from "react";

interface OpenLinkProps {
  /** The drawer to open: `thread:12`. */
  open: string;
  className?: string;
  title?: string;
  children: ReactNode;
}

/**
 * A link that opens a drawer over the current page. A page has hundreds of them, so they do not subscribe to the route:
 * the rest of the address is read at the click, and a new tab gets the page with only this drawer.
 */
export function OpenLink({ open, className, title, children }: OpenLinkProps): ReactNode {
  const router = useRouter();
  const follow = (event: MouseEvent): void => {
    // With a modifier key or another button the browser handles the click: a new tab, a download.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void router.navigate({ to: ".", search: (search) => ({ ...search, open }) });
  };
  return (
    <a href={`?open=${encodeURIComponent(open)}`} className={className} title={title} onClick={follow}>
      {children}
    </a>
  );
}
