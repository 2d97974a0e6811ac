import { isIP } from "node:net";

/** An address for a connection, or why there is none. */
export type Resolved = { address: string } | { verdict: "no such host" | "private address"; words: string };

/** How names lead to addresses, and which addresses count. */
export interface Resolving {
  /** Every address of a name. Throws for a name without an address. */
  resolve(host: string): Promise<string[]>;
  isPublic(address: string): boolean;
}

/** Resolves a host that an agent may reach by its name. */
export async function resolveHost({ resolve, isPublic }: Resolving, host: string): Promise<Resolved> {
  let addresses: string[];
  try {
    addresses = isIP(host) ? [host] : await resolve(host);
  } catch (error) {
    // A name that does not exist and a resolver that does not answer differ only by the code.
    const { code } = error as NodeJS.ErrnoException;
    return { verdict: "no such host", words: `${host} has no address${code === undefined ? "" : ` (${code})`}` };
  }
  const [first] = addresses;
  if (first === undefined) return { verdict: "no such host", words: `${host} has no address` };
  // All addresses must be public: one private address among public ones is an attempt to rebind.
  if (!addresses.every((address) => isPublic(address)))
    return { verdict: "private address", words: `${host} resolves to a private address` };
  return { address: first };
}
