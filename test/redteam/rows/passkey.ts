import { Authenticator, passkeyHeader } from "../../lib/authenticator.ts";
import type { Guarded } from "../outside/guarded.ts";
import type { Place } from "../outside/place.ts";
import { outsideRow, type OutsideRow } from "../row.ts";

/** Approvals of an operator whose approvals need a passkey, for who has stolen a session or runs as the operator's user. */

const STEP = "the second step";
const ONE = "an answer confirms one call, once";
const TAKES = /takes its passkey/;
const OTHER = /was used, is too old, or is for another call or log-in/;
const HOST_ONLY = /only the admin of host\.sock can do this/;

const row = outsideRow<Place>("web", "passkey");
const socket = outsideRow<Place>("socket", "passkey");

/** Tries to approve a request. Reached if it is approved, whatever the answer says. */
async function approving(
  place: Place,
  attempt: (guarded: Guarded, request: { id: number; digest: string }) => Promise<unknown>,
): Promise<string> {
  const guarded = await place.guarded();
  const request = await guarded.request();
  const end = await attempt(guarded, request).then(
    () => undefined,
    (error: unknown) => error,
  );
  const { state } = (await guarded.hive.call("show", { id: request.id })).approval;
  if (state !== "pending" || end === undefined) return `the request is ${state}`;
  throw end;
}

export const passkeyRows: readonly OutsideRow<Place>[] = [
  row("stolen-session", "approve with a stolen session", STEP, TAKES, (place) =>
    approving(place, (guarded, request) => guarded.call(guarded.bob.cookie, "approve", request)),
  ),
  row("stolen-spawn", "make an agent with a stolen session", STEP, TAKES, async (place) => {
    const guarded = await place.guarded();
    await guarded.call(guarded.bob.cookie, "spawn", { name: "mallory" });
    return "the agent is made";
  }),
  socket("operator-socket", "approve over the operator's own socket", STEP, TAKES, (place) =>
    approving(place, (guarded, { id }) => guarded.overSocket("bob", "approve", { id })),
  ),
  socket("operator-made", "make an operator without a passkey, to approve as that", STEP, TAKES, async (place) => {
    const guarded = await place.guarded();
    await guarded.overSocket("bob", "operator_add", { name: "mallory", role: "admin" });
    return "the operator is made";
  }),
  socket("operator-raised", "make a viewer of one's own an operator", STEP, TAKES, async (place) => {
    const guarded = await place.guarded();
    await guarded.overSocket("bob", "operator_set", { name: "vera", role: "operator" });
    return "vera is an operator";
  }),
  socket(
    "switch-off-socket",
    "switch the second step off over the operator's own socket",
    "host.sock alone",
    HOST_ONLY,
    async (place) => {
      const guarded = await place.guarded();
      await guarded.overSocket("bob", "operator_passkey_off", { name: "bob" });
      return "it is off";
    },
  ),
  row("switch-off", "switch the second step off with a stolen session", STEP, TAKES, async (place) => {
    const guarded = await place.guarded();
    await guarded.call(guarded.bob.cookie, "operator_passkey_off", { name: "bob" }).catch((error: unknown) => {
      if (!HOST_ONLY.test(String(error))) throw error;
    });
    await guarded.call(guarded.bob.cookie, "passkey_require", { required: false });
    return "it is off";
  }),
  row("add-own", "add a passkey of one's own with a stolen session", STEP, TAKES, async (place) => {
    const guarded = await place.guarded();
    const { cookie } = guarded.bob;
    const { options } = await guarded.call(cookie, "passkey_start", {});
    await guarded.call(cookie, "passkey_add", { name: "mine", passkey: new Authenticator(guarded.home).make(options) });
    return "it is added";
  }),
  row("remove", "remove the passkey with a stolen session", STEP, TAKES, async (place) => {
    const guarded = await place.guarded();
    const { cookie } = guarded.bob;
    const { passkeys } = await guarded.call(cookie, "passkeys", {});
    await guarded.call(cookie, "passkey_remove", { id: passkeys[0]?.id });
    return "it is removed";
  }),
  row("replay", "send an answer of the passkey again", ONE, OTHER, (place) =>
    approving(place, async (guarded, request) => {
      const answer = await guarded.answer("approve", request);
      // It is used up by a call that is refused, too.
      await guarded.call(guarded.bob.cookie, "approve", { ...request, note: "x" }, answer).catch(() => {});
      await guarded.call(guarded.bob.cookie, "approve", request, answer);
    }),
  ),
  row("other-request", "approve another request than the one that was confirmed", ONE, OTHER, (place) =>
    approving(place, async (guarded, request) => {
      const shown = await guarded.request();
      await guarded.call(guarded.bob.cookie, "approve", request, await guarded.answer("approve", shown));
    }),
  ),
  row("other-operation", "approve with the answer for another operation", ONE, OTHER, (place) =>
    approving(place, async (guarded, request) => {
      const answer = await guarded.answer("deploy_force", { id: request.id });
      await guarded.call(guarded.bob.cookie, "approve", request, answer);
    }),
  ),
  row("other-session", "use an answer that was given on another page of the operator", ONE, OTHER, (place) =>
    approving(place, async (guarded, request) => {
      const stolen = await guarded.logIn("bob");
      await guarded.call(stolen, "approve", request, await guarded.answer("approve", request));
    }),
  ),
  ...[false, true].map((takesId) =>
    row(
      takesId ? "other-key-id" : "other-key",
      takesId ? "answer with another key under the id of the passkey" : "answer the challenge with another passkey",
      STEP,
      takesId ? /signature is wrong/ : /is no passkey of bob/,
      (place) =>
        approving(place, async (guarded, request) => {
          const { cookie, authenticator } = guarded.bob;
          const { options } = await guarded.call(cookie, "passkey_challenge", { operation: "approve", input: request });
          const mine = new Authenticator(guarded.home);
          if (takesId) mine.id.set(authenticator.id);
          await guarded.call(cookie, "approve", request, passkeyHeader(mine.use(options, { counter: 1000 })));
        }),
    ),
  ),
  row("other-origin", "have the passkey asked by a page of another origin", STEP, /response origin/, (place) =>
    approving(place, async (guarded, request) => {
      const { options } = await guarded.call(guarded.bob.cookie, "passkey_challenge", { operation: "approve", input: request });
      const answer = guarded.bob.authenticator.use(options, { origin: `http://localhost:${guarded.port + 1}` });
      await guarded.call(guarded.bob.cookie, "approve", request, passkeyHeader(answer));
    }),
  ),
  row("unverified", "have the passkey answer without a finger or a PIN", STEP, /[Uu]ser verification/, (place) =>
    approving(place, async (guarded, request) => {
      const { options } = await guarded.call(guarded.bob.cookie, "passkey_challenge", { operation: "approve", input: request });
      const answer = guarded.bob.authenticator.use(options, { isUnverified: true });
      await guarded.call(guarded.bob.cookie, "approve", request, passkeyHeader(answer));
    }),
  ),
  row("for-another", "add a passkey for another operator", "a passkey is the caller's own", OTHER, async (place) => {
    const guarded = await place.guarded();
    const eve = await guarded.logIn("eve");
    // What bob's page began, finished by eve; no field names an operator.
    const { options } = await guarded.call(guarded.bob.cookie, "passkey_start", {});
    const passkey = new Authenticator(guarded.home).make(options);
    await guarded.call(eve, "passkey_add", { name: "mine", passkey, operator: "bob" });
    return "it is added";
  }),
  row("viewer", "add a passkey and approve as a viewer", "the table of roles", /takes the role operator/, (place) =>
    approving(place, async (guarded, request) => {
      const vera = await guarded.logIn("vera");
      await guarded.call(vera, "passkey_start", {}).catch((error: unknown) => {
        if (!/takes the role operator/.test(String(error))) throw error;
      });
      await guarded.call(
        vera,
        "approve",
        request,
        passkeyHeader(new Authenticator(guarded.home).use({ challenge: "AAAA", rpId: "localhost" })),
      );
    }),
  ),
];
