import { useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, type ReactNode } from "react";

/** Opened seldom, so it comes when it is asked for. */
const Drawer = lazy(() => import("../drawer/drawer.tsx").then(({ Drawer: component }) => ({ default: component })));

/** What the address says is open over the page: `?open=logs:hm1nd`. */
export function OpenDrawer(): ReactNode {
  const { open } = useSearch({ strict: false });
  const navigate = useNavigate();
  if (open === undefined) return null;
  return (
    <Suspense>
      <Drawer open={open} onClose={() => void navigate({ to: ".", search: (search) => ({ ...search, open: undefined }) })} />
    </Suspense>
  );
}
