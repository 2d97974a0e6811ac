import { HiveError } from "../../wire/error.ts";
import { includes } from "../../wire/roles.ts";
import { actorOf, operatorOf } from "./caller.ts";
import type { Handlers } from "./types.ts";

type Names = "operators" | "operator_add" | "operator_set" | "operator_remove" | "login" | "sessions" | "session_revoke";

export const operatorHandlers: Pick<Handlers, Names> = {
  operators(context, _input, caller) {
    return { operators: context.operators.list(), you: context.passkeys.you(operatorOf(caller)) };
  },
  operator_add: async (context, input, caller) => ({ operator: await context.operators.add(input, operatorOf(caller).name) }),
  operator_set: async (context, { name, role }, caller) => ({
    operator: await context.operators.set(name, role, operatorOf(caller).name),
  }),
  async operator_remove(context, { name }, caller) {
    await context.operators.remove(name, operatorOf(caller).name);
    return {};
  },

  async login({ sessions, store, urls, now }, _input, caller) {
    const { name } = operatorOf(caller);
    await store.write(() =>
      store.ledger.audit(store.nextSeq(), { at: now(), actor: actorOf(caller), kind: "launch_link", detail: { operator: name } }),
    );
    return sessions.launch(urls.home, name);
  },
  sessions: (context) => ({ sessions: context.sessions.list() }),
  async session_revoke({ sessions }, { id }, caller) {
    const { operator } = sessions.get(id);
    const { name, role } = operatorOf(caller);
    if (operator !== name && !includes(role, "admin"))
      throw new HiveError("forbidden", `session ${id} is ${operator}'s: you end your own, and an admin ends any`);
    await sessions.revoke(id, actorOf(caller));
    return {};
  },
};
