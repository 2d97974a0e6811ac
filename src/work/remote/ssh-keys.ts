import { createHash } from "node:crypto";
import ssh2 from "ssh2";
import { HiveError } from "../../wire/error.ts";
import type { HostKey } from "../../wire/remote.ts";

/** A pair of keys of ssh. */
export interface KeyPair {
  privateKey: string;
  /** One line, as a host takes it for a deploy key. */
  publicKey: string;
}

/** What signs without SHA-1 with every server. An RSA key signs with SHA-1 where the server does not offer better. */
const TYPES = /^(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521))$/;

/** The pair of a private key. Throws a HiveError that says what is wrong with it, and nothing of it. */
export function pairOf(privateKey: string): KeyPair {
  const text = `${privateKey.trim()}\n`;
  const found: unknown = ssh2.utils.parseKey(text);
  const key = (Array.isArray(found) ? found[0] : found) as ReturnType<typeof ssh2.utils.parseKey>;
  if (key instanceof Error || !key.isPrivateKey())
    throw new HiveError(
      "bad_request",
      key instanceof Error && /passphrase|encrypted/i.test(key.message)
        ? "the private key has a passphrase, which the daemon cannot ask for: give one without"
        : "it is not a private key that can be read: ssh-keygen -t ed25519 makes one",
    );
  if (!TYPES.test(key.type))
    throw new HiveError("bad_request", `a key of the type ${key.type} is not used: make one with ssh-keygen -t ed25519`);
  return { privateKey: text, publicKey: `${key.type} ${key.getPublicSSH().toString("base64")}` };
}

/** A new pair of ed25519. The comment ends its public key, so that people recognize it at the host. */
export function newPair(comment: string): KeyPair {
  const { private: privateKey, public: publicKey } = ssh2.utils.generateKeyPairSync("ed25519", { comment });
  return { privateKey, publicKey };
}

/** A host key as people compare it. Undefined for a type that is not used. */
export function hostKeyOf(bytes: Buffer): HostKey | undefined {
  const type = bytes.toString("latin1", 4, 4 + bytes.readUInt32BE(0));
  const fingerprint = `SHA256:${createHash("sha256").update(bytes).digest("base64").replace(/=+$/, "")}`;
  return isType(type) ? { type, fingerprint } : undefined;
}

/** The types of host keys, the preferred first, with the algorithms of their signatures. */
export const HOST_KEY_TYPES = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"],
} as const satisfies Record<HostKey["type"], readonly string[]>;

const isType = (type: string): type is HostKey["type"] => Object.hasOwn(HOST_KEY_TYPES, type);
