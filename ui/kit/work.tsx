import type { ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import { branchWord } from "../../src/wire/words.ts";
import { visible } from "../lib/text.ts";

/** A branch and its lines, `topic +12 −3`, as the agent says. */
export function WorkChip({ work }: { work: NonNullable<AgentView["work"]>[number] }): ReactNode {
  const { repo, added, removed } = work;
  const branch = visible(branchWord(work));
  return (
    <span className="work-chip" title={`${branch} of ${visible(repo)}, as the agent says`}>
      <span className="sr">works on </span>
      <span className="branch">{branch}</span>
      {added > 0 && <span className="green"> +{added}</span>}
      {removed > 0 && <span className="red"> −{removed}</span>}
    </span>
  );
}
