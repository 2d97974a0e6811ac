import { visible } from "./text.ts";
import { PASSKEY_HEADER, takesPasskey } from "../../src/wire/second-step.ts";
import type { Input, OperationName, Output } from "../../src/wire/operations.ts";

/** A refusal of the daemon. Its text may quote an agent, so hidden characters in it are made visible. */
export class ApiError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Whether the approvals of who is logged in need a passkey. The page's state knows it. */
let needsPasskey = (): boolean => false;
export function guardWith(check: () => boolean): void {
  needsPasskey = check;
}

/**
 * Calls an operation of the contract. Asks for the passkey first, if it takes one. Throws `ApiError`. Without a session,
 * goes to the login page.
 */
export async function call<N extends OperationName>(name: N, input: Input<N>): Promise<Output<N>> {
  if (!takesPasskey(name, input) || !(needsPasskey() || name === "passkey_require")) return send(name, input);
  const { options } = await send("passkey_challenge", { operation: name, input });
  const { usePasskey } = await import("./passkey.ts");
  return send(name, input, { [PASSKEY_HEADER]: await usePasskey(options) });
}

async function send<N extends OperationName>(name: N, input: Input<N>, headers: Record<string, string> = {}): Promise<Output<N>> {
  let response: Response;
  try {
    response = await fetch(`/api/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(input),
    });
  } catch {
    throw new ApiError("unavailable", "the hive does not answer; it may be restarting");
  }
  if (response.status === 401) location.assign("/login");
  // A proxy, or a hive that stops, answers without JSON: report the status.
  const answer = (await response.json().catch(() => ({ ok: false, error: `the hive answered ${response.status}` }))) as {
    ok: boolean;
    error?: string;
    code?: string;
  };
  if (!answer.ok) throw new ApiError(answer.code ?? "internal", visible(answer.error ?? "refused"));
  return answer as unknown as Output<N>;
}
