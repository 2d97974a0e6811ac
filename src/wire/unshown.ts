import type { DiffFile } from "./approval.ts";

/**
 * True for a changed file whose new content `show` does not hold whole as text. A request with such a file is approved
 * only by an answer that names it. Of a deleted file nothing is left to run.
 */
export function isUnshown(file: Pick<DiffFile, "status" | "binary" | "cut">): boolean {
  return file.status !== "deleted" && (file.binary || file.cut);
}
