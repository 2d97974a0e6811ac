import { readFileSync } from "node:fs";
import { z } from "zod";
import { schemaComplaint } from "../wire/error.ts";
import type { Price } from "../wire/models.ts";

const Amount = z.number().min(0);
const Prices = z.record(z.string(), z.strictObject({ input: Amount, output: Amount, cache_read: Amount, cache_write: Amount }));

/** The operator's own prices: model prefix → US dollars per million tokens. Throws an error that names the file. */
export function readPrices(file: string | undefined): Record<string, Price> {
  if (file === undefined) return {};
  try {
    return Prices.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    const words = error instanceof z.ZodError ? schemaComplaint(error) : error instanceof Error ? error.message : String(error);
    throw new Error(`HIVE_PRICES ${file}: ${words}`, { cause: error });
  }
}
