import { networkRows } from "./rows/network.ts";
import type { CageRow } from "./row.ts";

/** Every attempt from inside a cage. */
export const cageRows: readonly CageRow[] = [...networkRows];
