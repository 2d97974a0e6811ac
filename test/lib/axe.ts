import axe from "axe-core";
import type { Page } from "playwright-core";

/** What axe calls serious or critical in the page as it stands, or in a part of it, in lines that say where. */
export async function findings(page: Page, within?: string): Promise<string[]> {
  // Through the debugger: the page's own policy lets no foreign script in.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    (part) =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(part ?? document, {
        resultTypes: ["violations"],
        // What it would fetch anew is for rules about media and turned screens: we have neither.
        preload: false,
        // Leet labels have plain names on purpose: `C0NTAINERS` is read out as "agents".
        rules: { "label-content-name-mismatch": { enabled: false } },
      }),
    within,
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html.slice(0, 120)} ${node.failureSummary ?? ""}`).join(" | ")}`,
    );
}
