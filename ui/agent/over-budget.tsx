import type { ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import { BudgetCard } from "../dashboard/budget-card.tsx";
import { useHive } from "../lib/store.ts";
import { overOf } from "../lib/waiting.ts";

/** The limits that keep an agent from its next turn, its own and the hive's, with the buttons that raise or lift them. */
export function OverBudgetHere({ agent }: { agent: AgentView }): ReactNode {
  const over = useHive((state) => state.hive.over_budget);
  const own = agent.over_budget === true ? overOf(agent.name, over) : [];
  return own.map((one) => (
    <div key={`${one.scope} ${one.limit}`} className="over-here">
      <BudgetCard over={one} />
    </div>
  ));
}
