/** How the hive's own credential is named where several are told apart. Pages import this file, so it has no schema. */
export const DEFAULT_CREDENTIAL = "default";
