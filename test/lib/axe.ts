import axe from "axe-core";
import type { Page } from "playwright-core";

/** The serious and critical findings of axe in the page or a part of it, as lines with their location. */
export async function findings(page: Page, within?: string): Promise<string[]> {
  // Injected through the debugger, because the page's own policy allows no foreign script.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    (part) =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(part ?? document, {
        resultTypes: ["violations"],
        // Preloading serves rules about media and rotated screens, which we do not have.
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
