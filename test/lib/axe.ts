import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import axe from "axe-core";
import type { Page } from "playwright-core";

const SOURCE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A rule as axe keeps it. Its impact, if it has one, is that of all its findings. */
interface Rule {
  id: string;
  enabled: boolean;
  impact?: string;
}
/** Leet labels have plain names on purpose: `C0NTAINERS` is read out as "agents". */
const LEET = "label-content-name-mismatch";
/** The rules that can find something serious. The others would take time and report nothing here. */
const SERIOUS = (axe as unknown as { _audit: { rules: Rule[] } })._audit.rules
  .filter(({ id, enabled, impact }) => enabled && id !== LEET && impact !== "minor" && impact !== "moderate")
  .map(({ id }) => id);

/** The serious and critical findings of axe in the page or a part of it, as lines with their location. */
export async function findings(page: Page, within?: string): Promise<string[]> {
  // Injected through the debugger, because the page's own policy allows no foreign script.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(SOURCE);
  const { violations } = await page.evaluate(
    ({ part, runOnly }) =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(part ?? document, {
        resultTypes: ["violations"],
        runOnly,
        // Preloading serves rules about media and rotated screens, which we do not have.
        preload: false,
      }),
    { part: within, runOnly: SERIOUS },
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html.slice(0, 120)} ${node.failureSummary ?? ""}`).join(" | ")}`,
    );
}
