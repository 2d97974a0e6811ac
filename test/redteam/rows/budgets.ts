import { askModel, saying } from "../inside/model.ts";
import { cageRow, type CageRow } from "../row.ts";

/** Spending more than an agent may. It is the manager, whose one answer costs more than its day has (`granted.ts`). */

const fromCage = cageRow("manager", "budgets");

export const budgetRows: readonly CageRow[] = [
  {
    ...fromCage(
      "over",
      "ask the model, past the harness, after its budget is used up",
      "the gateway asks the budgets before each request",
      /the budget of 200[.,]?000 output tokens a day is used up/,
      async () => {
        await askModel(saying("spend it"));
        return askModel(saying("and more"));
      },
    ),
    // Afterwards its own harness gets no answer either.
    alone: true,
    async proof(world) {
      const more = world.upstream.filter(({ body }) => JSON.stringify(body).includes("and more"));
      if (more.length > 0) throw new Error("the request arrived at the API");
      return "the request did not arrive at the API";
    },
  },
];
