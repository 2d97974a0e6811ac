/** What became of a connection of an agent, or of its call to an API door. */
export type EgressVerdict =
  | "allowed"
  | "not listed"
  | "port not listed"
  | "private address"
  | "no such host"
  | "wrong server name"
  | "not TLS"
  | "unreachable"
  | "method not allowed"
  | "bad request"
  | "no such door"
  | "bad path"
  | "call not listed"
  | "secret missing"
  | "secret not usable"
  | "answer not readable";
