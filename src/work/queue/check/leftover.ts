import type { WorkContext } from "../../work-context.ts";

export async function removeLeftChecks(_context: WorkContext): Promise<void> {}
