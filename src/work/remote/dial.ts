import { connect, isIP, type Socket } from "node:net";
import { HiveError } from "../../wire/error.ts";

/** Time for a connection to a host. Milliseconds. */
const CONNECT_MS = 15_000;

/** How names become addresses, and which of them are on the internet. */
export interface Net {
  /** Every address of a name. Throws for a name without an address. */
  resolve(host: string): Promise<string[]>;
  isPublic(address: string): boolean;
}

/**
 * The address that stands for a host from now on, if it is private. Undefined if it is public: it is resolved each time.
 */
export async function privateAddress(net: Net, host: string): Promise<string | undefined> {
  const found = await addressesOf(net, host);
  return found.every((address) => net.isPublic(address)) ? undefined : found[0];
}

/**
 * Connects to a host: to the pinned address only, or to an address of its name if all of them are public. One private
 * address among public ones is refused as well: it is an attempt to rebind.
 */
export async function dial(
  net: Net,
  { host, port, pinned }: { host: string; port: number; pinned: string | undefined },
  signal: AbortSignal,
): Promise<Socket> {
  const addresses = pinned === undefined ? await addressesOf(net, host) : [pinned];
  if (pinned === undefined && !addresses.every((address) => net.isPublic(address)))
    throw new HiveError("forbidden", `${host} has a private address: add the repository with --private if it should be reached`);
  for (const address of addresses) {
    const socket = await open(address, port, signal);
    if (socket) return socket;
  }
  throw new HiveError("unavailable", `${host} does not answer on port ${port}: check its address, and whether it runs`);
}

async function addressesOf(net: Net, host: string): Promise<string[]> {
  if (isIP(host)) return [host];
  try {
    const found = await net.resolve(host);
    if (found.length > 0) return found;
  } catch {
    // The reason is a code of the resolver, which says no more than that there is none.
  }
  throw new HiveError("unavailable", `${host} has no address: check the name, and whether this host has a network`);
}

/** The socket once it is connected; undefined if the address does not answer. */
function open(address: string, port: number, signal: AbortSignal): Promise<Socket | undefined> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, noDelay: true });
    const end = (result: Socket | undefined, error?: Error): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.off("error", onError);
      // The caller reads errors from its own stream; one that comes in between must not end the daemon.
      socket.on("error", () => {});
      if (result === undefined) socket.destroy();
      if (error === undefined) resolve(result);
      else reject(error);
    };
    const onError = (): void => end(undefined);
    const onAbort = (): void => end(undefined, signal.reason as Error);
    const timer = setTimeout(onError, CONNECT_MS);
    socket.once("error", onError);
    socket.once("connect", () => end(socket));
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
