/**
 * A bound text on the right of `=`, for queries of the path of a message. SQLite compares a bare `?` with the conditions
 * of the table's partial indexes, and its value with the plan: it then compiles the statement again for each call, which
 * costs ten to twenty times the look-up. The cast has the same value and is not compared.
 */
export const TEXT = "CAST(? AS TEXT)";
