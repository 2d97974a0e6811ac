import { createHash } from "node:crypto";
import { hivectl } from "../../lib/hivectl.ts";
import type { PasskeyRow } from "../../store/passkeys.ts";
import type { Store } from "../../store/store.ts";
import { HiveError } from "../../wire/error.ts";
import { instant } from "../../wire/instant.ts";
import { MAX_PASSKEYS, type MadePasskey, type PasskeyView } from "../../wire/passkeys.ts";
import type { Output } from "../../wire/operations.ts";
import { operatorActor } from "../../wire/roles.ts";
import type { You } from "../../wire/operator-operations.ts";
import { checkOperator, type Operator } from "../operator.ts";
import { onThePage, takesPasskey } from "../../wire/second-step.ts";
import { CHALLENGE_MS, Challenges, digestOf, type Asker } from "./challenges.ts";
import { passkeyHost, passkeyPlace } from "./place.ts";
import { readAnswer, refused } from "./answer.ts";

export interface PasskeyDeps {
  store: Pick<Store, "write" | "operators" | "passkeys" | "ledger" | "nextSeq">;
  hiveId: string;
  /** The address of the dashboard. */
  home(): string;
  /** Called after an operator's approvals begin or end to need a passkey, so that its pages learn it. */
  changed(operator: string): void;
  now(): number;
}

/** COSE's numbers of the algorithms that authenticators have: Ed25519, ECDSA with P-256, RSA with SHA-256. */
const ALGORITHMS = [-8, -7, -257];

/** Loaded with the first passkey: most hives have none, and it is larger than all else that the daemon loads. */
const library = () => import("@simplewebauthn/server");

/**
 * The passkeys of operators, which confirm approvals. An operator whose approvals need one confirms each call of
 * `takesPasskey` by the answer to a challenge that was made for this call, this log-in and the next two minutes, and that
 * works once. Calls that no page can confirm, such as those of its socket, are refused.
 */
export class Passkeys {
  readonly #deps: PasskeyDeps;
  readonly #challenges: Challenges;

  constructor(deps: PasskeyDeps) {
    this.#deps = deps;
    this.#challenges = new Challenges(deps.now);
  }

  /** The operator's passkeys, where they work, and whether its approvals need one. */
  of(operator: string): Output<"passkeys"> {
    const { store, home } = this.#deps;
    return {
      passkeys: store.passkeys.of(operator).map(viewOf),
      required: this.isRequired(operator),
      place: passkeyPlace(home()),
    };
  }

  /** True if the operator's approvals need a passkey. */
  isRequired(operator: string): boolean {
    return this.#deps.store.passkeys.isRequired(operator);
  }

  /** The operator as its pages and terminals see it. */
  you({ name, role }: Operator): You {
    return { name, role, ...(this.isRequired(name) ? { passkey: true } : {}) };
  }

  /** Throws `forbidden` if a call has to be confirmed by a passkey and is not. */
  permit(operator: string, operation: string, input: object, confirmed: boolean): void {
    if (confirmed || !takesPasskey(operation, input)) return;
    // Turning it on proves that the passkey works.
    if (operation !== "passkey_require" && !this.isRequired(operator)) return;
    const { home } = this.#deps;
    throw new HiveError(
      "forbidden",
      `"${operation}" of ${operator} takes its passkey: ${onThePage(operation)}, at ${home()}. Without the passkey, the admin of host.sock runs ${hivectl(`operator set ${operator} --passkey off`)}`,
    );
  }

  /** Begins to add a passkey: the options for the browser. */
  async start(asker: Asker): Promise<Output<"passkey_start">["options"]> {
    const { store, hiveId } = this.#deps;
    const { operator } = asker;
    const host = this.#host();
    const known = store.passkeys.of(operator);
    checkRoom(known);
    const { generateRegistrationOptions } = await library();
    const options = await generateRegistrationOptions({
      rpName: "hyperhive",
      rpID: host,
      userName: operator,
      userDisplayName: `${operator} of the hive ${hiveId}`,
      // Of this hive and operator, so that an authenticator keeps those of several hives on localhost apart.
      userID: new Uint8Array(createHash("sha256").update(`${hiveId}\n${operator}`).digest()),
      challenge: new Uint8Array(Buffer.from(this.#challenges.issue(asker, "add"), "base64url")),
      timeout: CHALLENGE_MS,
      attestationType: "none",
      excludeCredentials: known.map(credentialOf),
      authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
      supportedAlgorithmIDs: ALGORITHMS,
    });
    return { ...options };
  }

  /** Adds the passkey that the browser has made. Throws `bad_request` if it is not what `start` has asked for. */
  async add(asker: Asker, name: string, made: MadePasskey): Promise<PasskeyView> {
    const { store, home, now } = this.#deps;
    const { operator } = asker;
    const host = this.#host();
    const { verifyRegistrationResponse } = await library();
    const seen = await refused(() =>
      verifyRegistrationResponse({
        response: { ...made, clientExtensionResults: {} },
        expectedChallenge: (challenge) => this.#challenges.take(challenge, asker, "add"),
        expectedOrigin: new URL(home()).origin,
        expectedRPID: host,
        requireUserVerification: true,
        supportedAlgorithmIDs: ALGORITHMS,
      }),
    );
    const { registrationInfo } = seen;
    if (!seen.verified || !registrationInfo) throw new HiveError("bad_request", "the passkey could not be verified: try again");
    const { credential } = registrationInfo;
    const row = {
      operator,
      name,
      host,
      credential: credential.id,
      public_key: credential.publicKey,
      counter: credential.counter,
      transports: JSON.stringify(made.response.transports ?? []),
      added_at: now(),
    };
    const id = await store.write(() => {
      checkOperator(store, operator);
      const known = store.passkeys.of(operator);
      checkRoom(known);
      if (store.passkeys.byCredential(credential.id)) throw new HiveError("conflict", "this passkey is known already");
      if (known.some((one) => one.name === name))
        throw new HiveError("conflict", `you have a passkey ${JSON.stringify(name)} already: choose another name`);
      const added = store.passkeys.add(row);
      this.#audit(operator, "passkey_added", { operator, passkey: added, name, host });
      return added;
    });
    return viewOf({ ...row, id, used_at: null });
  }

  /** Removes one of the operator's passkeys. While its approvals need one, the last that works stays. */
  async remove(operator: string, id: number): Promise<void> {
    const { store, home } = this.#deps;
    await store.write(() => {
      const all = store.passkeys.of(operator);
      const one = all.find((row) => row.id === id);
      if (!one) throw new HiveError("not_found", `you have no passkey ${id}`);
      const host = passkeyHost(home());
      if (store.passkeys.isRequired(operator) && !all.some((row) => row.id !== id && row.host === host))
        throw new HiveError("conflict", "your approvals need a passkey, and this is the last one: let them need none first");
      store.passkeys.remove(id);
      this.#audit(operator, "passkey_removed", { operator, passkey: id, name: one.name });
    });
  }

  /** Makes the operator's approvals need a passkey, or not any more. The caller has confirmed it with one. */
  async require(operator: string, required: boolean): Promise<void> {
    await this.#setRequired(operator, required, operatorActor(operator));
  }

  /** Makes an operator's approvals need no passkey, for one who has lost it. */
  async switchOff(operator: string, by: string): Promise<void> {
    await this.#setRequired(operator, false, operatorActor(by));
  }

  async #setRequired(operator: string, required: boolean, actor: string): Promise<void> {
    const { store, now, changed } = this.#deps;
    await store.write(() => {
      if (required) checkOperator(store, operator);
      if (required === store.passkeys.isRequired(operator)) return;
      if (required) store.passkeys.require(operator, now());
      else store.passkeys.unrequire(operator);
      store.ledger.audit(store.nextSeq(), {
        at: now(),
        actor,
        kind: required ? "passkey_required" : "passkey_not_required",
        detail: { operator },
      });
    });
    changed(operator);
  }

  /** A challenge for one call. Throws `conflict` if the operator has no passkey for this address. */
  async challenge(asker: Asker, operation: string, input: object): Promise<Output<"passkey_challenge">["options"]> {
    const host = this.#host();
    const usable = this.#deps.store.passkeys.of(asker.operator).filter((one) => one.host === host);
    if (usable.length === 0)
      throw new HiveError(
        "conflict",
        `${asker.operator} has no passkey for ${host}: add one, or have the admin of host.sock run ${hivectl(`operator set ${asker.operator} --passkey off`)}`,
      );
    const { generateAuthenticationOptions } = await library();
    const options = await generateAuthenticationOptions({
      rpID: host,
      allowCredentials: usable.map(credentialOf),
      challenge: new Uint8Array(Buffer.from(this.#challenges.issue(asker, { call: digestOf(operation, input) }), "base64url")),
      timeout: CHALLENGE_MS,
      userVerification: "required",
    });
    return { ...options };
  }

  /**
   * Takes the answer of a passkey for this call. Throws `forbidden` if it is not the first answer to a challenge for
   * exactly this call, by a passkey of the operator. Stores its use.
   */
  async confirm(asker: Asker, operation: string, input: object, header: string): Promise<void> {
    const { store, home, now } = this.#deps;
    const host = this.#host();
    const answer = readAnswer(header);
    const row = store.passkeys.of(asker.operator).find((one) => one.credential === answer.id && one.host === host);
    if (!row) throw new HiveError("forbidden", `this is no passkey of ${asker.operator}`);
    const { verifyAuthenticationResponse } = await library();
    const { verified, authenticationInfo } = await refused(() =>
      verifyAuthenticationResponse({
        response: { ...answer, clientExtensionResults: {} },
        expectedChallenge: (challenge) => this.#challenges.take(challenge, asker, { call: digestOf(operation, input) }),
        expectedOrigin: new URL(home()).origin,
        expectedRPID: host,
        credential: credentialOf(row),
        requireUserVerification: true,
      }),
    );
    if (!verified) throw new HiveError("forbidden", "the passkey's signature is wrong: try again");
    await store.write(() => {
      // It may have been removed, or used, since.
      const current = store.passkeys.of(asker.operator).find(({ id }) => id === row.id);
      const { newCounter } = authenticationInfo;
      if (!current || (newCounter <= current.counter && newCounter + current.counter > 0))
        throw new HiveError("forbidden", "this passkey was removed or used meanwhile: try again");
      store.passkeys.used(row.id, newCounter, now());
      this.#audit(asker.operator, "passkey_used", { passkey: row.id, name: row.name, operation, ...subjectOf(input) });
    });
  }

  /** Ends what is open of an operator who was removed. */
  endOf(operator: string): void {
    this.#challenges.endOf(operator);
  }

  #host(): string {
    const home = this.#deps.home();
    const host = passkeyHost(home);
    const place = passkeyPlace(home);
    if (host === undefined) throw new HiveError("conflict", "why" in place ? place.why : "passkeys cannot be used here");
    return host;
  }

  #audit(operator: string, kind: string, detail: object): void {
    const { store, now } = this.#deps;
    store.ledger.audit(store.nextSeq(), { at: now(), actor: operatorActor(operator), kind, detail });
  }
}

function checkRoom(known: readonly PasskeyRow[]): void {
  if (known.length >= MAX_PASSKEYS)
    throw new HiveError("conflict", `you have ${MAX_PASSKEYS} passkeys, which is the most: remove one first`);
}

const TRANSPORTS = ["ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"] as const;

const credentialOf = ({ credential, public_key, counter, transports }: PasskeyRow) => ({
  id: credential,
  publicKey: new Uint8Array(public_key),
  counter,
  transports: TRANSPORTS.filter((one) => (JSON.parse(transports) as string[]).includes(one)),
});

/** What a call is about: the number or the name in its input. */
function subjectOf(input: object): { id?: number; change?: number; name?: string } {
  const { id, change, name } = input as Record<string, unknown>;
  return {
    ...(typeof id === "number" ? { id } : {}),
    ...(typeof change === "number" ? { change } : {}),
    ...(typeof name === "string" ? { name } : {}),
  };
}

function viewOf({ id, name, host, added_at, used_at }: PasskeyRow): PasskeyView {
  const view: PasskeyView = { id, name, host, added_at: instant(added_at) };
  if (used_at !== null) view.used_at = instant(used_at);
  return view;
}
