import { HiveError } from "../../wire/error.ts";
import { isSsh } from "../../wire/remote.ts";
import type { Credential, Credentials } from "./credentials.ts";

/** What an operator gives to be let in at a host: a token for https, a private key for ssh, or nothing. */
export interface Login {
  token?: string | undefined;
  key?: string | undefined;
}

type OwnKey = Extract<Credential, { kind: "key" }>;

/** The credential to keep for an address. Undefined without one. Throws if the address takes the other kind. */
export async function credentialOf(address: string, { token, key }: Login): Promise<Credential | undefined> {
  if (token !== undefined && isSsh(address))
    throw new HiveError("bad_request", "an ssh address takes no token: --key-stdin takes a private key");
  if (key !== undefined && !isSsh(address))
    throw new HiveError("bad_request", "an https address takes no key: --token-stdin takes a token");
  if (token !== undefined) return { kind: "token", token };
  if (key === undefined) return undefined;
  const { pairOf } = await import("./ssh-keys.ts");
  const { privateKey, publicKey } = pairOf(key);
  return { kind: "key", private_key: privateKey, public_key: publicKey };
}

/** The token to keep for the API of a forge. Undefined without one. Throws for a key. */
export function forgeToken({ token, key }: Login): Credential | undefined {
  if (key !== undefined) throw new HiveError("bad_request", "pull requests take no key: --forge-token-stdin takes a token");
  return token === undefined ? undefined : { kind: "token", token };
}

/** The key that the hive itself has made for an address that is to be added under a name. Makes it if there is none. */
export async function ownKey(credentials: Credentials, name: string, address: string): Promise<OwnKey> {
  if (!isSsh(address)) throw new HiveError("bad_request", "--new-key is for ssh addresses: https takes a token");
  const found = credentials.of(name);
  if (found?.kind === "key" && found.made_for === address) return found;
  const { newPair } = await import("./ssh-keys.ts");
  const { privateKey, publicKey } = newPair(`hive-${name}`);
  const made = { kind: "key" as const, private_key: privateKey, public_key: publicKey.trim(), made_for: address };
  await credentials.keep(name, made);
  return made;
}
