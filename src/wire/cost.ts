/** The words for a cost, on every page and in the terminal. A model without a price never shows as $0.00. */

/** `$3.18`; less than half a cent is `<$0.01`. */
export function dollars(usd: number): string {
  return usd > 0 && usd < 0.005 ? "<$0.01" : `$${usd.toFixed(2)}`;
}

/** The cost of several requests or turns, of which `unpriced` have no price: `$1.20`, `unpriced`, `$1.20 + 3 unpriced`. */
export function costWords(usd: number, unpriced: number): string {
  if (unpriced === 0) return dollars(usd);
  return usd === 0 ? "unpriced" : `${dollars(usd)} + ${unpriced} unpriced`;
}

/** The cost of one turn; nothing for a turn that used no model. Usage without a cost is usage without a price. */
export function turnCostWords(tokens: number | undefined, usd: number | undefined): string {
  if (usd !== undefined) return dollars(usd);
  return tokens === undefined || tokens === 0 ? "" : "unpriced";
}
