import { z } from "zod";
import { Id, Instant, OPERATOR, OperatorName } from "./names.ts";
import { nothing, type Operation } from "./operation.ts";
import { OperatorView } from "./operator-operations.ts";
import { mayTakePasskey } from "./second-step.ts";

/** Passkeys of one operator: a device or two, a spare key, and what was replaced and not yet removed. */
export const MAX_PASSKEYS = 10;
/** Characters of a passkey's name: that of a device. */
export const MAX_PASSKEY_NAME_CHARS = 64;
/** Characters of that header: the longest credential id and the longest signature leave half of it. */
export const MAX_PASSKEY_HEADER_CHARS = 8 * 1024;

/** Bytes in base64url. */
const bytes = (most: number) =>
  z
    .string()
    .min(1)
    .max(Math.ceil((most * 4) / 3))
    .regex(/^[\w-]+$/, "it is base64url without padding");
/** The longest credential id of WebAuthn. Bytes. */
const CredentialId = bytes(1023);
/** What the browser has signed: a challenge, an origin and what it adds. Bytes. */
const ClientData = bytes(2048);
/** WebAuthn's names of ways to reach an authenticator are short, and a browser may have new ones. */
const Transports = z.array(z.string().max(32)).max(16);
const credential = { id: CredentialId, rawId: CredentialId, type: z.literal("public-key") };

/** What a browser answers when a passkey is made (`RegistrationResponseJSON`). */
export const MadePasskey = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: ClientData,
    /** Without the attestation of a maker it has a public key and a credential id. */
    attestationObject: bytes(8 * 1024),
    transports: Transports.optional(),
  }),
});
export type MadePasskey = z.infer<typeof MadePasskey>;

/** What a browser answers when a passkey is used (`AuthenticationResponseJSON`). */
export const UsedPasskey = z.object({
  ...credential,
  response: z.object({ clientDataJSON: ClientData, authenticatorData: bytes(2048), signature: bytes(1024) }),
});
export type UsedPasskey = z.infer<typeof UsedPasskey>;

const PasskeyName = z
  .string()
  .trim()
  .min(1, "a passkey has a name, such as that of its device")
  .max(MAX_PASSKEY_NAME_CHARS)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, "the name of a passkey has no control characters");

/** A passkey of the operator that asks. */
export const PasskeyView = z.object({
  id: Id,
  name: z.string(),
  /** The host for which it was made. At another one it cannot be used. */
  host: z.string(),
  added_at: Instant,
  used_at: Instant.optional(),
});
export type PasskeyView = z.infer<typeof PasskeyView>;

/** Where passkeys can be used: at one origin, or nowhere and why, in words that say what to do. */
export const PasskeyPlace = z.union([z.object({ origin: z.string() }), z.object({ why: z.string() })]);
export type PasskeyPlace = z.infer<typeof PasskeyPlace>;

/** Options for `navigator.credentials`, as `PublicKeyCredential.parse…OptionsFromJSON` reads them. */
const Options = z.record(z.string(), z.unknown());

/** The operations on passkeys. Each is about the operator that calls. */
export const passkeyOperations = {
  passkeys: {
    summary: "The caller's passkeys, where they can be used, and whether its approvals need one.",
    callers: ["operator"],
    input: nothing,
    output: z.object({ passkeys: z.array(PasskeyView), required: z.boolean(), place: PasskeyPlace }),
  },
  passkey_start: {
    summary: "Begin to add a passkey: what the page passes to the browser. Only from a page.",
    callers: ["operator"],
    input: nothing,
    output: z.object({ options: Options }),
  },
  passkey_add: {
    summary: "Add the passkey that the browser has made. Only from a page.",
    callers: ["operator"],
    takesIn: true,
    input: z.object({ name: PasskeyName, passkey: MadePasskey }),
    output: z.object({ passkey: PasskeyView }),
  },
  passkey_remove: {
    summary: "Remove a passkey. The last one that can be used only if approvals need none.",
    callers: ["operator"],
    input: z.object({ id: Id }),
    output: nothing,
  },
  passkey_require: {
    summary: "Make the caller's approvals need a passkey, or not any more. Takes a passkey itself. Only from a page.",
    callers: ["operator"],
    input: z.object({ required: z.boolean() }),
    output: nothing,
  },
  passkey_challenge: {
    summary: "A challenge for one call of one operation. The answer of a passkey to it confirms this call and no other.",
    callers: ["operator"],
    input: z.object({
      operation: z.string().max(64).refine(mayTakePasskey, "this operation takes no passkey"),
      input: z.record(z.string(), z.unknown()),
    }),
    output: z.object({ options: Options }),
  },
  operator_passkey_off: {
    summary: "Make an operator's approvals need no passkey, for one who has lost it. Only over host.sock.",
    callers: ["operator"],
    input: z.object({ name: z.literal(OPERATOR).or(OperatorName) }),
    output: z.object({ operator: OperatorView }),
  },
} as const satisfies Record<string, Operation>;
