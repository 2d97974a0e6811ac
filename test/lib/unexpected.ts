/** For parts that report failures of work that is not awaited: the running test fails. */
export function onUnexpected(error: unknown): never {
  throw error;
}
