import type { Output } from "../../src/wire/operations.ts";
import type { MadePasskey, UsedPasskey } from "../../src/wire/passkeys.ts";
import { ApiError } from "./api.ts";

/** The options of the daemon, as the browser's own reader takes them. */
type Options = Output<"passkey_start">["options"];

/** Makes a passkey. Throws `ApiError` if the browser or its user refuses. */
export async function makePasskey(options: Options): Promise<MadePasskey> {
  const made = await asked(() =>
    navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options as unknown as PublicKeyCredentialCreationOptionsJSON),
    }),
  );
  const { id, rawId, response } = made.toJSON() as RegistrationResponseJSON;
  const { clientDataJSON, attestationObject, transports } = response;
  return { id, rawId, type: "public-key", response: { clientDataJSON, attestationObject, transports } };
}

/** Uses a passkey. Resolves with the value of the header that confirms a call. Throws `ApiError` if the browser or its user refuses. */
export async function usePasskey(options: Options): Promise<string> {
  const request = options as unknown as PublicKeyCredentialRequestOptionsJSON;
  if (request.rpId !== location.hostname)
    throw new ApiError(
      "conflict",
      `your approvals need your passkey, which works at ${request.rpId ?? "another address"} and not at ${location.hostname}: open the page there`,
    );
  const used = await asked(() =>
    navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(request) }),
  );
  const { id, rawId, response } = used.toJSON() as AuthenticationResponseJSON;
  const { clientDataJSON, authenticatorData, signature } = response;
  const answer: UsedPasskey = { id, rawId, type: "public-key", response: { clientDataJSON, authenticatorData, signature } };
  // Every character of it is ASCII.
  return btoa(JSON.stringify(answer)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

async function asked(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  if (typeof PublicKeyCredential === "undefined" || !("parseRequestOptionsFromJSON" in PublicKeyCredential))
    throw new ApiError("unavailable", "this browser has no passkeys: use a newer one");
  let given: Credential | null = null;
  try {
    given = await ask();
  } catch (error) {
    throw new ApiError("forbidden", wordsOf(error));
  }
  if (!(given instanceof PublicKeyCredential)) throw new ApiError("forbidden", wordsOf(undefined));
  return given;
}

function wordsOf(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "InvalidStateError") return "this device has a passkey of yours already";
  if (name === "SecurityError") return "the browser makes no passkeys at this address";
  return "the passkey was not used: nothing was done. Try again. If it is lost, what is under your name says what helps";
}
