import { manPage } from "./man.ts";
import { buildProgram } from "./program.ts";
import { EXIT_CODES } from "./exit.ts";
import { shapesPage } from "./shapes.ts";

/** The documentation pages that are generated from the commands and the contract: path → text. */
export function pages(): Record<string, string> {
  return {
    "docs/man/hivectl.1": manPage(buildProgram(), EXIT_CODES),
    "docs/hivectl-json.md": shapesPage(),
  };
}
