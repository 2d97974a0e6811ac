import type { ReactNode } from "react";
import { mayCall, type OperatorOperation } from "../../src/wire/roles.ts";
import { OpenLink } from "./open-link.tsx";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

/** Whether who is logged in may call an operation. The daemon asks the same table. */
export function useMay(operation: OperatorOperation): boolean {
  return useHive((state) => mayCall(state.you.role, operation));
}

/** Why who is logged in may not call an operation, in a sentence. Undefined if it may. */
export function useWhyNot(operation: OperatorOperation): string | undefined {
  const { name, role } = useHive((state) => state.you);
  if (mayCall(role, operation)) return undefined;
  const words = role === "viewer" ? "you can read, and not act" : "only an admin can do this";
  return `You are logged in as ${visible(name)}, ${role === "admin" ? "an admin" : role === "operator" ? "an operator" : "a viewer"}: ${words}.`;
}

interface AllowedProps {
  /** The operation that the content calls. */
  to: OperatorOperation;
  children: ReactNode;
}

/** What calls an operation. It is not there for a role that may not call it. */
export function Allowed({ to, children }: AllowedProps): ReactNode {
  return useMay(to) ? children : null;
}

/** The same, with the reason in its place. */
export function AllowedOrWhy({ to, children }: AllowedProps): ReactNode {
  const why = useWhyNot(to);
  return why === undefined ? children : <p className="dim small why-not">{why}</p>;
}

/** Who is logged in, with the role; it opens the passkeys. On a phone the menu of the bar has it. */
export function You(): ReactNode {
  const { name, role, passkey } = useHive((state) => state.you);
  return (
    <OpenLink
      open="you"
      className={`chip you wide ${passkey ? "green" : ""}`}
      title={visible(
        `logged in as ${name}: ${role}; ${passkey ? "approvals need your passkey" : "passkeys"}; the hive's secrets`,
      )}
    >
      <span className="sr">logged in as </span>
      {visible(name)}
      {/* The hive's own operator needs no reminder of its role. */}
      {name !== "operator" && <span className="dim"> {role}</span>}
    </OpenLink>
  );
}
