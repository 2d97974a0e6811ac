import { isIP } from "node:net";
import type { PasskeyPlace } from "../../wire/passkeys.ts";

/** The host for which passkeys are made. Undefined where there can be none. */
export function passkeyHost(home: string): string | undefined {
  const url = new URL(home);
  return whyNone(url) === undefined ? url.hostname : undefined;
}

/** Where the passkeys of a hive can be used, whose page is at `home`. */
export function passkeyPlace(home: string): PasskeyPlace {
  const url = new URL(home);
  const why = whyNone(url);
  return why === undefined ? { origin: url.origin } : { why };
}

/** Browsers make passkeys for names only, and use them where nobody can have changed the page on its way. */
function whyNone({ hostname, protocol, port, origin }: URL): string | undefined {
  if (isIP(hostname.replace(/^\[|\]$/g, "")) !== 0)
    return `browsers make passkeys for names, and this hive is at ${origin}: start it with HIVE_PUBLIC_URL=http://localhost:${port}, or with the https address of a proxy, and log in there`;
  if (protocol !== "https:" && hostname !== "localhost")
    return `browsers make passkeys over https only, and this hive is at ${origin}: start it with an https address as HIVE_PUBLIC_URL`;
  return undefined;
}
