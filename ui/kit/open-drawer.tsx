import { useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, type ReactNode } from "react";

/** Drawers are rare, so their code is loaded on first use. */
const Drawer = lazy(() => import("../drawer/drawer.tsx").then(({ Drawer: component }) => ({ default: component })));

/** The drawer named in the address: `?open=logs:hm1nd`. */
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
