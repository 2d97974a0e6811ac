import { useRouter } from "@tanstack/react-router";
import type { MouseEvent, ReactNode } from "react";

interface OpenLinkProps {
  /** What is opened over the page: `thread:12`. */
  open: string;
  className?: string;
  title?: string;
  children: ReactNode;
}

/**
 * A link that opens something over the page it stands on. Of these a page has hundreds, so they follow no route: what
 * else is in the address is looked up at the click, and a new tab gets the page with this alone.
 */
export function OpenLink({ open, className, title, children }: OpenLinkProps): ReactNode {
  const router = useRouter();
  const follow = (event: MouseEvent): void => {
    // With a key held or another button it is the browser's: a new tab, a download.
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
