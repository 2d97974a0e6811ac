import { isIP, type Socket } from "node:net";
import { connect, createSecureContext, getCACertificates, type SecureContext, type TLSSocket } from "node:tls";
import { HiveError } from "../../wire/error.ts";

const HTTPS_PORT = 443;

/** TLS to a host over a connection. Its certificate is verified: by the system's authorities, and by `ca` if given. */
export function tlsOver(raw: Socket, { host, ca }: { host: string; ca: string | undefined }): TLSSocket {
  return connect({
    socket: raw,
    host,
    ...(isIP(host) ? {} : { servername: host }),
    secureContext: contextFor(ca),
  });
}

/** Sets of authorities that are kept: a hive has one or two next to the system's. Each takes 1.4 MB. */
const MAX_CONTEXTS = 8;
const contexts = new Map<string | undefined, SecureContext>();

/** The authorities of connections. Reading those of the system takes 20 milliseconds, so a set is read once. */
function contextFor(ca: string | undefined): SecureContext {
  const known = contexts.get(ca);
  if (known !== undefined) return known;
  // Node replaces its own list by this one.
  const made = createSecureContext(ca === undefined ? {} : { ca: [...getCACertificates("default"), ca] });
  const [oldest] = contexts.keys();
  if (contexts.size >= MAX_CONTEXTS) contexts.delete(oldest);
  contexts.set(ca, made);
  return made;
}

/** A host as an address has it: with its port, unless that is the port of https. */
export function hostHeader({ host, port }: { host: string; port: number }): string {
  const name = isIP(host) === 6 ? `[${host}]` : host;
  return port === HTTPS_PORT ? name : `${name}:${port}`;
}

/** A failure of a connection in words. `where` is what was connected to, for people. */
export function brokenConnection(error: Error, { where, host }: { where: string; host: string }): Error {
  if (error instanceof HiveError) return error;
  const { code = "" } = error as NodeJS.ErrnoException;
  if (/CERT|SELF_SIGNED|ISSUER|ALTNAME|SIGNATURE/.test(code))
    return new HiveError(
      "unavailable",
      `the certificate of ${host} is not trusted (${code}): --ca takes the certificate of its authority`,
    );
  return new HiveError("unavailable", `the connection to ${where} broke (${code || error.name}): try again`);
}
