import { withProgress } from "../progress-stream.ts";
import { actorOf } from "./caller.ts";
import type { Handlers } from "./types.ts";

export const migrationHandlers: Pick<Handlers, "migrate"> = {
  async *migrate({ swarm, migration }, input, caller) {
    // What was built is also removed for agents that were destroyed since.
    const isUndo = input.what === "undo";
    const named = [...new Set(input.agents)].map((name) => (isUndo ? swarm.byNameEvenDestroyed(name) : swarm.byName(name)));
    const agents = input.agents !== undefined ? named : isUndo ? swarm.allWithDestroyed() : swarm.all();
    const reviewed = new Map(input.reviewed?.map(({ agent, commit }) => [agent, commit]));
    type Told = { agent: string; words: string };
    const steps = withProgress(caller, (signal, tell: (progress: Told) => void) =>
      migration[input.what](agents, { by: actorOf(caller), reviewed, signal, tell }),
    );
    for await (const step of steps) yield "progress" in step ? step : { migration: step.result };
  },
};
