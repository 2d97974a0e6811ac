import { userInfo } from "node:os";
import { join } from "node:path";
import { connectLines } from "../../../src/rpc/client.ts";
import type { Input, OperationName, Output } from "../../../src/wire/operations.ts";
import { Authenticator, passkeyHeader } from "../../lib/authenticator.ts";
import { IDLE_CLI, TestHive } from "../../lib/hive.ts";
import { freeBase } from "../../lib/ports.ts";
import { ask, refusal, type Answer } from "./http.ts";
import type { Place } from "./place.ts";

/** A page of an operator, with everything that a thief of its session has. */
export interface GuardedPage {
  cookie: string;
  /** The passkey of the operator. The thief has it only where a row says so. */
  authenticator: Authenticator;
}

/** A hive at localhost. The approvals of `bob`, an admin, need his passkey. `eve`, an operator, and `vera`, a viewer, have none. */
export class Guarded {
  readonly hive: TestHive;
  readonly port: number;
  readonly home: string;
  #bob: GuardedPage | undefined;
  #agents = 0;

  private constructor(hive: TestHive, port: number) {
    this.hive = hive;
    this.port = port;
    this.home = `http://localhost:${port}`;
  }

  static async start(place: Pick<Place, "atEnd">): Promise<Guarded> {
    const port = await freeBase([]);
    const hive = new TestHive({ ...IDLE_CLI, HIVE_PORT: String(port), HIVE_PUBLIC_URL: `http://localhost:${port}` });
    place.atEnd(() => hive.dispose());
    await hive.start();
    const user = userInfo().username;
    for (const [name, role] of [
      ["bob", "admin"],
      ["eve", "operator"],
      ["vera", "viewer"],
    ] as const)
      await hive.call("operator_add", { name, role, user });
    const guarded = new Guarded(hive, port);
    const bob = { cookie: await guarded.logIn("bob"), authenticator: new Authenticator(guarded.home) };
    guarded.#bob = bob;
    const { options } = await guarded.call(bob.cookie, "passkey_start", {});
    await guarded.call(bob.cookie, "passkey_add", { name: "laptop", passkey: bob.authenticator.make(options) });
    await guarded.call(
      bob.cookie,
      "passkey_require",
      { required: true },
      await guarded.answer("passkey_require", { required: true }),
    );
    return guarded;
  }

  get bob(): GuardedPage {
    if (!this.#bob) throw new Error("bob has not logged in");
    return this.#bob;
  }

  /** Calls over the socket of an operator. */
  async overSocket<N extends OperationName>(operator: string, name: N, input: Input<N>): Promise<Output<N>> {
    const path = join(this.hive.stateDir, "run", "operators", `${operator}.sock`);
    const client = await connectLines(path, { ordered: true });
    try {
      return await client.call(name, input);
    } finally {
      client.close();
    }
  }

  /** The cookie of a new session of an operator. */
  async logIn(operator: string): Promise<string> {
    const token = (await this.overSocket(operator, "login", {})).url.split("#token=")[1];
    const answer = await this.#post("login", { token });
    return answer.headers["set-cookie"]?.split(";")[0] ?? "";
  }

  /** Calls as a page with this cookie. Throws the refusal. */
  async call<N extends OperationName>(
    cookie: string,
    name: N,
    input: object,
    headers: Record<string, string> = {},
  ): Promise<Output<N>> {
    const answer = await this.#post(name, input, { Cookie: cookie, ...headers });
    refusal(answer);
    return JSON.parse(answer.body) as Output<N>;
  }

  /** The answer of bob's passkey to a challenge for a call, which his page has asked for. */
  async answer(operation: string, input: Record<string, unknown>, cookie = this.bob.cookie): Promise<Record<string, string>> {
    const { options } = await this.call(cookie, "passkey_challenge", { operation, input });
    return passkeyHeader(this.bob.authenticator.use(options));
  }

  /** A request that waits. Throws if bob's page has approved it by the end. */
  async request(): Promise<{ id: number; digest: string }> {
    const { request: id } = await this.hive.call("request_spawn", { name: `agent-${++this.#agents}` });
    return { id, digest: (await this.hive.call("show", { id })).approval.digest ?? "" };
  }

  #post(name: string, body: object, headers: Record<string, string> = {}): Promise<Answer> {
    return ask(this.port, `/api/${name}`, {
      body,
      headers: { Host: `localhost:${this.port}`, Origin: this.home, "Sec-Fetch-Site": "same-origin", ...headers },
    });
  }
}
