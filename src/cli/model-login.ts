import { hivectlName } from "../lib/hivectl.ts";
import type { ModelLoginView } from "../wire/model-login.ts";
import { answerTo, mayAsk } from "./deciding.ts";
import { EXIT, Failure, interruptedBy, UsageError } from "./exit.ts";
import { clean } from "./print.ts";
import type { Shell } from "./shell.ts";
import { readMessage } from "./stdin.ts";

export interface ModelLoginOptions {
  again?: boolean;
  cancel?: boolean;
  code?: string;
  credential?: string;
}

/**
 * Logs the hive in to the model. At a terminal it asks for the code. Without one, and with --json, it prints the address
 * and ends; a second call with --code goes on.
 */
export async function loginToModel(shell: Shell, { again = false, cancel, code, credential }: ModelLoginOptions): Promise<void> {
  const { client } = shell;
  if ([again, cancel === true, code !== undefined].filter(Boolean).length > 1)
    throw new UsageError("use one of --again, --cancel and --code");
  if (credential !== undefined && (cancel === true || code !== undefined))
    throw new UsageError("--credential belongs to the begin of a log-in: leave it out with --code and --cancel");
  if (cancel === true) {
    await client.call("model_login_cancel", {});
    return shell.show({}, () => "the log-in is cancelled");
  }
  if (code !== undefined) return finish(shell, code === "-" ? await readMessage() : code);

  const started = await client.call("model_login_start", { again, ...(credential === undefined ? {} : { credential }) });
  if (!mayAsk(shell)) {
    const next = `${hivectlName()} login --model --code <code>`;
    return shell.show(started, ({ url }) => `${clean(url)}\nopen it, approve, and give the code that it shows: ${next}`);
  }
  const { login, url } = started;
  shell.say(`open this address in a browser, and approve:\n\n  ${clean(url)}\n`);
  let answer: string | undefined;
  try {
    answer = await answerTo("the code that the page shows: ");
  } catch (error) {
    await client.call("model_login_cancel", { login });
    throw error instanceof Failure && error.exit === interruptedBy("SIGINT")
      ? new Failure(error.exit, "interrupted", "interrupted; the log-in is cancelled")
      : error;
  }
  if (answer === undefined || answer.trim() === "") {
    await client.call("model_login_cancel", { login });
    throw new Failure(EXIT.refused, "declined", "there was no code: the log-in is cancelled");
  }
  await finish(shell, answer, login);
}

export async function logoutOfModel(shell: Shell): Promise<void> {
  shell.show(
    await shell.client.call("model_logout", {}),
    () =>
      "logged out of the model: the hive rehearses. The token stays valid until you revoke it at https://claude.ai/settings/claude-code",
  );
}

async function finish(shell: Shell, code: string, login?: string): Promise<void> {
  const view = await shell.client.call("model_login_finish", { code, ...(login === undefined ? {} : { login }) });
  shell.show<ModelLoginView>(view, () => "logged in: model requests carry the token from now on");
}
