import { actorOf } from "./caller.ts";
import type { Handlers } from "./types.ts";

type Names = "model_login_start" | "model_login_finish" | "model_login_cancel" | "model_logout";

export const modelLoginHandlers: Pick<Handlers, Names> = {
  model_login_start: ({ modelLogin }, { again, credential }, caller) =>
    modelLogin.begin({ by: actorOf(caller), again, credential }),
  async model_login_finish({ modelLogin, access }, input, caller) {
    await modelLogin.finish({ ...input, by: actorOf(caller) });
    return access.credential;
  },
  async model_login_cancel({ modelLogin }, { login }) {
    await modelLogin.cancel(login);
    return {};
  },
  async model_logout({ modelLogin, access }, _input, caller) {
    await modelLogin.logout(actorOf(caller));
    return access.credential;
  },
};
