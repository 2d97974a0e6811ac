import { HiveError } from "../../wire/error.ts";
import { actorOf } from "./caller.ts";
import type { Handlers } from "./types.ts";

type Names = "credentials" | "credential_add" | "credential_remove";

export const credentialHandlers: Pick<Handlers, Names> = {
  credentials: ({ credentials }) => ({ credentials: credentials.list() }),
  async credential_add({ credentials }, { name, token, file }, caller) {
    const value = token === undefined ? file && { file } : { token };
    if (!value) throw new HiveError("bad_request", "give one of token and file");
    return { credential: await credentials.add(name, value, actorOf(caller)) };
  },
  async credential_remove({ credentials }, { name, force }, caller) {
    await credentials.remove(name, { by: actorOf(caller), force });
    return {};
  },
};
