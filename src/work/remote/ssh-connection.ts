import ssh2, { type Client, type ConnectConfig } from "ssh2";
import { HiveError } from "../../wire/error.ts";
import type { HostKey, SshParts } from "../../wire/remote.ts";
import { dial, type Net } from "./dial.ts";
import { SILENCE_MS } from "./server.ts";
import { HOST_KEY_TYPES, hostKeyOf } from "./ssh-keys.ts";

/** Time for the exchange of keys and the log-in. Milliseconds. */
const LOG_IN_MS = 30_000;

/** Without SHA-1, without CBC, and without compression, which git has done. */
const ALGORITHMS = {
  kex: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
  ],
  cipher: ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr", "aes256-ctr"],
  hmac: ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"],
  compress: ["none"],
} satisfies ConnectConfig["algorithms"];

/** Where a connection goes. */
export interface SshPlace {
  /** Its address for people. */
  address: string;
  parts: SshParts;
  pinned: string | undefined;
  net: Net;
}

/** The server has none of the offered types of host keys. */
class NoSuchKey extends Error {}

/**
 * Connects and logs in with a private key, to a host that has this very host key. Throws a HiveError that says what to do.
 * The caller ends the connection.
 */
export async function connectSsh(
  place: SshPlace,
  { hostKey, privateKey }: { hostKey: HostKey; privateKey: string },
  changed: (found: HostKey) => HiveError,
  signal: AbortSignal,
): Promise<Client> {
  let found: HostKey | undefined;
  const verify = (key: HostKey | undefined): boolean => {
    found = key;
    return key?.fingerprint === hostKey.fingerprint;
  };
  try {
    return await handshake(place, { types: [hostKey.type], privateKey, verify }, signal);
  } catch (error) {
    if (error instanceof NoSuchKey) throw changed(await readHostKey(place, undefined, signal));
    if (found !== undefined && found.fingerprint !== hostKey.fingerprint) throw changed(found);
    throw error;
  }
}

/**
 * The host key that a host shows, without a log-in: the one with the fingerprint if it is given and the host has it, else
 * the first in the order of `HOST_KEY_TYPES`. It proves nothing until the operator has compared it.
 */
export async function readHostKey(place: SshPlace, fingerprint: string | undefined, signal: AbortSignal): Promise<HostKey> {
  let first: HostKey | undefined;
  for (const type of Object.keys(HOST_KEY_TYPES) as HostKey["type"][]) {
    const key = await keyOfType(place, type, signal);
    if (key !== undefined && (fingerprint === undefined || key.fingerprint === fingerprint)) return key;
    first ??= key;
  }
  if (first) return first;
  throw new HiveError("unavailable", `${place.address} has no host key that can be checked without SHA-1`);
}

async function keyOfType(place: SshPlace, type: HostKey["type"], signal: AbortSignal): Promise<HostKey | undefined> {
  let found: HostKey | undefined;
  const verify = (key: HostKey | undefined): boolean => {
    found = key;
    return false;
  };
  try {
    (await handshake(place, { types: [type], privateKey: undefined, verify }, signal)).destroy();
  } catch (error) {
    if (!(error instanceof NoSuchKey) && found === undefined) throw error;
  }
  return found;
}

interface Handshake {
  types: readonly HostKey["type"][];
  privateKey: string | undefined;
  /** Called once, with the key of the host. False ends the connection. */
  verify(key: HostKey | undefined): boolean;
}

async function handshake(place: SshPlace, { types, privateKey, verify }: Handshake, signal: AbortSignal): Promise<Client> {
  const { parts, net, pinned, address } = place;
  const socket = await dial(net, { host: parts.host, port: parts.port, pinned }, signal);
  const client = new ssh2.Client();
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      signal.removeEventListener("abort", onAbort);
      client.destroy();
      socket.destroy();
      reject(signal.aborted ? (signal.reason as Error) : inWords(place, error));
    };
    const onAbort = (): void => fail(new Error("aborted"));
    signal.addEventListener("abort", onAbort, { once: true });
    socket.setTimeout(SILENCE_MS, () =>
      socket.destroy(new HiveError("unavailable", `${address} said nothing for ${SILENCE_MS / 60_000} minutes: try again`)),
    );
    client.on("error", fail);
    client.once("close", () => fail(new HiveError("unavailable", `${address} closed the connection: try again`)));
    client.once("ready", () => {
      signal.removeEventListener("abort", onAbort);
      resolve(client);
    });
    try {
      client.connect({
        sock: socket,
        username: parts.user,
        // Only this: no agent, no password, no question.
        authHandler: ["publickey"],
        ...(privateKey === undefined ? {} : { privateKey }),
        hostVerifier: (bytes: Buffer) => verify(hostKeyOf(bytes)),
        readyTimeout: LOG_IN_MS,
        algorithms: { ...ALGORITHMS, serverHostKey: types.flatMap((type) => [...HOST_KEY_TYPES[type]]) },
      });
    } catch (error) {
      // It says what is wrong with the key, which it may quote.
      fail(
        new HiveError("unavailable", `the private key for ${address} cannot be used`, {
          cause: error instanceof HiveError ? error : undefined,
        }),
      );
    }
  });
}

/** A failure of the connection in words. */
function inWords({ address, parts }: SshPlace, error: Error & { level?: string; code?: unknown }): Error {
  if (error instanceof HiveError) return error;
  if (/no matching host key/i.test(error.message)) return new NoSuchKey();
  if (error.level === "client-authentication")
    return new HiveError(
      "forbidden",
      `${address} refuses the key for the user ${parts.user}: add its public key at the host, or give another with repo login and --key-stdin`,
    );
  if (error.level === "client-timeout")
    return new HiveError("unavailable", `${address} did not finish the log-in in ${LOG_IN_MS / 1000} seconds: try again`);
  if (/no matching/i.test(error.message))
    return new HiveError("unavailable", `${address} offers no algorithm without SHA-1 and CBC: its ssh server is too old`);
  const code = typeof error.code === "string" ? error.code : (error.level ?? error.name);
  return new HiveError("unavailable", `the connection to ${address} broke (${code}): try again`);
}
