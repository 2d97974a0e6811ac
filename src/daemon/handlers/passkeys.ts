import { hivectl } from "../../lib/hivectl.ts";
import { HiveError, parseOrThrow } from "../../wire/error.ts";
import { operations, type OperationName } from "../../wire/operations.ts";
import type { passkeyOperations } from "../../wire/passkeys.ts";
import { askerOf, operatorOf } from "./caller.ts";
import type { Handlers } from "./types.ts";

/** Each is about the passkeys of the operator that calls. */
export const passkeyHandlers: Pick<Handlers, keyof typeof passkeyOperations> = {
  passkeys: ({ passkeys }, _input, caller) => passkeys.of(operatorOf(caller).name),
  passkey_start: async ({ passkeys }, _input, caller) => ({ options: await passkeys.start(askerOf(caller)) }),
  passkey_add: async ({ passkeys }, { name, passkey }, caller) => ({
    passkey: await passkeys.add(askerOf(caller), name, passkey),
  }),
  async passkey_remove({ passkeys }, { id }, caller) {
    await passkeys.remove(operatorOf(caller).name, id);
    return {};
  },
  async passkey_require({ passkeys }, { required }, caller) {
    await passkeys.require(operatorOf(caller).name, required);
    return {};
  },
  async passkey_challenge({ passkeys, operators }, { operation, input }, caller) {
    const asker = askerOf(caller);
    // The schema lets only operations of the contract pass.
    const name = operation as OperationName;
    operators.permit(operatorOf(caller), name);
    return { options: await passkeys.challenge(asker, name, parseOrThrow(operations[name].input, input)) };
  },
  async operator_passkey_off({ passkeys, operators }, { name }, caller) {
    if (operatorOf(caller) !== operators.host || (caller.kind === "operator" && caller.browser))
      throw new HiveError(
        "forbidden",
        `only the admin of host.sock can do this: run ${hivectl(`operator set ${name} --passkey off`)} there`,
      );
    const known = operators.list().find((one) => one.name === name);
    if (!known) throw new HiveError("not_found", `there is no operator ${name}: ${hivectl("operator list")} lists them`);
    await passkeys.switchOff(name, operators.host.name);
    return { operator: { ...known, passkey_required: false } };
  },
};
