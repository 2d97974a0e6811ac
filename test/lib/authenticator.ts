import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import type { MadePasskey, UsedPasskey } from "../../src/wire/passkeys.ts";
import { PASSKEY_HEADER } from "../../src/wire/second-step.ts";

/** The options of the daemon that an authenticator reads. */
interface Options {
  challenge: string;
  rp?: { id?: string };
  rpId?: string;
}

/** What an answer has that a real authenticator's would not. */
export interface Odd {
  origin?: string;
  rp?: string;
  /** A use that is counted lower than the last one is one of a copy. */
  counter?: number;
  /** Without a finger or a PIN. */
  isUnverified?: boolean;
  type?: string;
  challenge?: string;
}

/** Bits of an authenticator's flags: present, verified, with a new credential. */
const [PRESENT, VERIFIED, NEW] = [0x01, 0x04, 0x40];
const sha256 = (bytes: string | Buffer): Buffer => createHash("sha256").update(bytes).digest();
const number = (value: number, bytes: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
};

/** An authenticator in software with one key of P-256, after the text of WebAuthn. It belongs to one page's origin. */
export class Authenticator {
  readonly id = randomBytes(32);
  readonly #key: KeyObject;
  readonly #point: Buffer;
  readonly #origin: string;
  counter = 0;

  constructor(origin: string) {
    this.#origin = origin;
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#key = privateKey;
    const { x = "", y = "" } = publicKey.export({ format: "jwk" });
    this.#point = Buffer.concat([
      Buffer.from("215820", "hex"),
      Buffer.from(x, "base64url"),
      Buffer.from("225820", "hex"),
      Buffer.from(y, "base64url"),
    ]);
  }

  /** Answers `navigator.credentials.create`. */
  make(options: object, odd: Odd = {}): MadePasskey {
    const given = options as Options;
    // {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
    const key = Buffer.concat([Buffer.from("a5010203262001", "hex"), this.#point]);
    const made = Buffer.concat([Buffer.alloc(16), number(this.id.length, 2), this.id, key]);
    const data = Buffer.concat([this.#data(odd.rp ?? given.rp?.id ?? "", NEW, odd), made]);
    // {"fmt": "none", "attStmt": {}, "authData": data}
    const attestation = Buffer.concat([
      Buffer.from("a363666d74646e6f6e656761747453746d74a068617574684461746159", "hex"),
      number(data.length, 2),
      data,
    ]);
    return {
      ...this.#credential(),
      response: {
        clientDataJSON: this.#client("webauthn.create", given, odd).toString("base64url"),
        attestationObject: attestation.toString("base64url"),
        transports: ["internal"],
      },
    };
  }

  /** Answers `navigator.credentials.get`. */
  use(options: object, odd: Odd = {}): UsedPasskey {
    const given = options as Options;
    this.counter++;
    const client = this.#client("webauthn.get", given, odd);
    const data = this.#data(odd.rp ?? given.rpId ?? "", 0, odd);
    return {
      ...this.#credential(),
      response: {
        clientDataJSON: client.toString("base64url"),
        authenticatorData: data.toString("base64url"),
        signature: sign("sha256", Buffer.concat([data, sha256(client)]), this.#key).toString("base64url"),
      },
    };
  }

  #credential(): { id: string; rawId: string; type: "public-key" } {
    const id = this.id.toString("base64url");
    return { id, rawId: id, type: "public-key" };
  }

  #client(type: string, { challenge }: Options, odd: Odd): Buffer {
    const origin = odd.origin ?? this.#origin;
    return Buffer.from(
      JSON.stringify({ type: odd.type ?? type, challenge: odd.challenge ?? challenge, origin, crossOrigin: false }),
    );
  }

  #data(rp: string, flags: number, { counter = this.counter, isUnverified = false }: Odd): Buffer {
    return Buffer.concat([sha256(rp), Buffer.from([flags | PRESENT | (isUnverified ? 0 : VERIFIED)]), number(counter, 4)]);
  }
}

/** The header with which a page sends the answer. */
export const passkeyHeader = (answer: UsedPasskey): Record<string, string> => ({
  [PASSKEY_HEADER]: Buffer.from(JSON.stringify(answer)).toString("base64url"),
});
