import { reasonOf } from "../../../wire/egress.ts";

/** Denied connections that the output of one check names. */
const MOST_TOLD = 50;

/** Tells of the denied connections of a check, a line each, so that its output says what it lacked. */
export function tellDenied(tell: (line: string) => void): (record: { host: string; port: number; verdict: string }) => void {
  let denied = 0;
  return ({ host, port, verdict }) => {
    if (verdict === "allowed") return;
    denied++;
    if (denied > MOST_TOLD) return;
    const last = denied === MOST_TOLD ? "; further ones are not shown" : "";
    tell(`hyperhive: connection denied: ${host}:${port} (${reasonOf(verdict)})${last}\n`);
  };
}
