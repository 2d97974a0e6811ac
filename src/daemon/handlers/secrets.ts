import { actorOf } from "./caller.ts";
import type { Handlers } from "./types.ts";

type Names = "secrets" | "secret_set" | "secret_remove";

export const secretHandlers: Pick<Handlers, Names> = {
  secrets: ({ secrets }) => ({ secrets: secrets.list() }),
  secret_set: async ({ secrets }, { name, value }, caller) => ({ secret: await secrets.set(name, value, actorOf(caller)) }),
  async secret_remove({ secrets }, { name, force }, caller) {
    const { stays } = await secrets.remove(name, { by: actorOf(caller), force });
    return stays ? { stays } : {};
  },
};
