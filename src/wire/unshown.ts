import type { DiffFile } from "./approval.ts";

/**
 * True for a changed file whose new content `show` does not contain whole as text. An approval must name every such
 * file of its request. A deleted file leaves nothing to run.
 */
export function isUnshown(file: Pick<DiffFile, "status" | "binary" | "cut">): boolean {
  return file.status !== "deleted" && (file.binary || file.cut);
}
