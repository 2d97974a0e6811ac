import type { UsageFigures } from "../wire/history-operations.ts";
import { costWords } from "../wire/cost.ts";
import { count } from "./print.ts";
import type { Column } from "./table.ts";

/** The columns of what the model has cost. */
export const FIGURE_COLUMNS: readonly Column<UsageFigures>[] = [
  { title: "REQUESTS", value: (one) => String(one.requests), spare: 5 },
  { title: "INPUT", value: (one) => count(one.tokens.input), spare: 3 },
  { title: "OUTPUT", value: (one) => count(one.tokens.output), spare: 4 },
  { title: "CACHE READ", value: (one) => count(one.tokens.cache_read), spare: 2 },
  { title: "CACHE WRITE", value: (one) => count(one.tokens.cache_write), spare: 1 },
  {
    title: "COST",
    value: (one) => costWords(one.cost_usd, one.unpriced),
    colour: (one) => (one.unpriced > 0 ? "amber" : undefined),
  },
];
