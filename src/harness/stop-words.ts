/** Shown on the page in place of the CLI's message to the model when the operator cancels a turn. */
export const CANCELLED = "cancelled by the operator";
/** Shown when a stop, a restart or a deploy cancels it. */
export const INTERRUPTED = "interrupted by a stop, a restart or a deploy";
