import { randomBytes } from "node:crypto";
import type { EgressRecord } from "../../gateway/egress/proxy.ts";
import { hivectl } from "../../lib/hivectl.ts";
import { afterAwake } from "../../lib/timers.ts";
import type { Store } from "../../store/store.ts";
import { reasonOf } from "../../wire/egress.ts";
import { HiveError } from "../../wire/error.ts";
import { instant } from "../../wire/instant.ts";
import type { LoginStarted } from "../../wire/model-login.ts";
import type { Log } from "../log.ts";
import type { LoginFlow } from "./login-flow.ts";
import type { StoredLogin } from "./stored-login.ts";

/** How long each part of a log-in may take. Milliseconds. */
export interface LoginTimes {
  /** Until the CLI prints the address: it takes 2 s, and much longer on a busy host. */
  addressMs: number;
  /** Until the operator gives the code. The provider's codes end about then. */
  codeMs: number;
  /** Until the code is exchanged: the CLI gives up after 30 s. */
  exchangeMs: number;
}
const TIMES: LoginTimes = { addressMs: 90_000, codeMs: 10 * 60_000, exchangeMs: 90_000 };

export interface ModelLoginDeps {
  /** Starts the CLI's flow, unless `signal` aborts before it has begun. `onRecord` gets each of its connections. */
  startFlow(options: { onRecord(record: EgressRecord): void; signal: AbortSignal }): Promise<LoginFlow>;
  /** Removes what a log-in of an earlier daemon has left. */
  removeLeft(): Promise<void>;
  store: Pick<Store, "write" | "nextSeq" | "ledger">;
  stored: StoredLogin;
  /** Keeps the token of a log-in as a credential besides the hive's own. */
  named: { keep(name: string, token: string, by: string): Promise<void>; checkRoom(name: string): void };
  /** Why a log-in for the hive's own credential would have no effect: one of the daemon's environment comes first. */
  whyNot(): string | undefined;
  /** Called after the token of the hive's own credential has changed, with who changed it. */
  onChanged(by: string): void;
  log: Pick<Log, "info">;
  onUnexpected(error: unknown): void;
  now(): number;
  times?: LoginTimes;
}

/** A log-in that runs. */
interface Attempt {
  id: string;
  by: string;
  /** The credential that the token is for. Undefined: the hive's own. */
  credential: string | undefined;
  startedAt: number;
  /** Set once the address is known. */
  flow?: LoginFlow;
  isFinishing: boolean;
  /** The last connection that failed. */
  unreached?: EgressRecord;
  /** Aborts with a HiveError when the log-in is to end. */
  end: AbortController;
  cancelTimer(): void;
}

/**
 * The log-in to the model: the CLI's own flow for a long-lived token, in a cage of its own. One runs at a time. It ends
 * with its code, when it is cancelled, and after ten minutes; the cage and its files are removed each time.
 */
export class ModelLogin {
  readonly #deps: ModelLoginDeps;
  readonly #times: LoginTimes;
  #attempt: Attempt | undefined;
  /** The end of the last log-in: the next one waits for it. */
  #cleared: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(deps: ModelLoginDeps) {
    this.#deps = deps;
    this.#times = deps.times ?? TIMES;
  }

  /** Removes what a log-in of an earlier daemon has left. */
  async start(): Promise<void> {
    await this.#deps.removeLeft();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#abort(new HiveError("unavailable", "the hive is stopping: log in again once it runs"));
    await this.#cleared;
  }

  /** Begins a log-in. Resolves when the address of the provider's page is known. */
  async begin({ by, again, credential }: { by: string; again: boolean; credential?: string | undefined }): Promise<LoginStarted> {
    if (credential !== undefined) this.#deps.named.checkRoom(credential);
    const whyNot = this.#deps.whyNot();
    if (credential === undefined && whyNot !== undefined) throw new HiveError("conflict", whyNot);
    if (this.#attempt && !again)
      throw new HiveError(
        "conflict",
        `a log-in to the model runs already (${this.#attempt.by}, since ${instant(this.#attempt.startedAt)}): finish it where it began, or begin anew with ${hivectl("login --model --again")}`,
      );
    this.#abort(new HiveError("conflict", `${by} has begun another log-in to the model: use that one`));
    const end = new AbortController();
    const attempt: Attempt = {
      id: randomBytes(16).toString("hex"),
      by,
      credential,
      startedAt: this.#deps.now(),
      isFinishing: false,
      end,
      cancelTimer: afterAwake(this.#times.codeMs, () =>
        end.abort(
          new HiveError("unavailable", `the log-in has ended after ${minutes(this.#times.codeMs)} without a code: log in again`),
        ),
      ),
    };
    this.#attempt = attempt;
    const before = this.#cleared;
    const opening = (async () => {
      await before;
      if (this.#isStopped) throw new HiveError("unavailable", "the hive is stopping");
      end.signal.throwIfAborted();
      return this.#deps.startFlow({ onRecord: (record) => this.#record(attempt, record), signal: end.signal });
    })();
    this.#cleared = this.#clear(attempt, opening);
    const { addressMs } = this.#times;
    const tooLate = this.#after(
      addressMs,
      `the CLI did not print an address in ${addressMs / 1000} s: try again when the host is less busy`,
      end.signal,
    );
    try {
      const flow = await orEnd(Promise.race([opening, tooLate]), end.signal);
      const url = await orEnd(Promise.race([addressOf(flow), tooLate]), end.signal);
      attempt.flow = flow;
      return { login: attempt.id, url, expires_at: instant(attempt.startedAt + this.#times.codeMs) };
    } catch (error) {
      end.abort(error);
      await this.#cleared;
      throw error;
    }
  }

  /** Gives the code to the CLI and keeps the token that it gets. Rejects with what to do; the log-in has ended then. */
  async finish({ login, code, by }: { login?: string | undefined; code: string; by: string }): Promise<void> {
    const attempt = this.#named(login);
    const { flow, end } = attempt;
    if (flow === undefined || attempt.isFinishing)
      throw new HiveError("conflict", "this log-in does not wait for a code: it is starting, or has got one");
    attempt.isFinishing = true;
    attempt.cancelTimer();
    try {
      const token = await this.#exchange(attempt, flow, code);
      if (attempt.credential !== undefined) await this.#deps.named.keep(attempt.credential, token, by);
      else await this.#deps.stored.keep({ token, by, at: this.#deps.now() });
      await this.#audit(by, "model_login");
    } catch (error) {
      const words = error instanceof HiveError ? error.message : "the token could not be kept";
      await this.#audit(by, "model_login_failed", words);
      throw error;
    } finally {
      end.abort(new HiveError("not_found", "this log-in has ended: begin another one"));
      await this.#cleared;
    }
    if (attempt.credential === undefined) this.#deps.onChanged(by);
  }

  /** Cancels a log-in. Resolves when its cage is gone. */
  async cancel(login: string | undefined): Promise<void> {
    this.#named(login).end.abort(new HiveError("conflict", "the log-in was cancelled: begin another one"));
    await this.#cleared;
  }

  /** Removes the token. A log-in that runs is left alone. */
  async logout(by: string): Promise<void> {
    const { stored } = this.#deps;
    if (!stored.exists) throw new HiveError("not_found", "there is no log-in to the model, so there is nothing to remove");
    await stored.remove();
    await this.#audit(by, "model_logout");
    this.#deps.onChanged(by);
  }

  #named(login: string | undefined): Attempt {
    if (this.#attempt && (login === undefined || this.#attempt.id === login)) return this.#attempt;
    if (login === undefined)
      throw new HiveError("not_found", `no log-in to the model runs: begin one with ${hivectl("login --model")}`);
    throw new HiveError(
      "not_found",
      `this log-in has ended: it was finished, cancelled, replaced by another one, or had no code for ${minutes(this.#times.codeMs)}; log in again`,
    );
  }

  #abort(why: HiveError): void {
    this.#attempt?.end.abort(why);
  }

  /** Removes the cage once the log-in is over. Never rejects. */
  async #clear(attempt: Attempt, opening: Promise<LoginFlow>): Promise<void> {
    const { signal } = attempt.end;
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    attempt.cancelTimer();
    if (this.#attempt === attempt) this.#attempt = undefined;
    try {
      // If it could not be opened, nothing is left, and `begin` reports why.
      const flow = await opening.catch(() => undefined);
      await flow?.remove();
    } catch (error) {
      this.#deps.onUnexpected(error);
    }
  }

  async #exchange(attempt: Attempt, flow: LoginFlow, code: string): Promise<string> {
    const { signal } = attempt.end;
    const words = `the provider did not answer in ${this.#times.exchangeMs / 1000} s: check the network of this host, then log in again`;
    const outcome = Promise.race([
      flow.until(() => flow.screen.failure),
      flow.ended.then(() => undefined),
      this.#after(this.#times.exchangeMs, words, signal),
    ]);
    await orEnd(Promise.race([flow.enter(code), outcome]), signal);
    const failure = await orEnd(outcome, signal);
    if (failure !== undefined) throw this.#refusal(attempt, failure);
    const { token } = flow.screen;
    const { code: exit } = await flow.ended;
    if (exit !== 0 || token === undefined)
      throw new HiveError("unavailable", `the CLI ended without a token: ${lastWords(flow)}; log in again`);
    return token;
  }

  /** The error for what the CLI prints. If the proxy could not reach a host, the CLI's advice is about the proxy. */
  #refusal({ unreached }: Attempt, words: string): HiveError {
    if (unreached)
      return new HiveError(
        "unavailable",
        `${unreached.host} cannot be reached from this host (${reasonOf(unreached.verdict)}): check its network, then log in again`,
      );
    return new HiveError("bad_request", `the log-in failed: ${words.replace(/[.]$/, "")}; begin another one for a new code`);
  }

  #record(attempt: Attempt, record: EgressRecord): void {
    const { host, port, verdict } = record;
    this.#deps.log.info({ host, port, verdict }, "the log-in to the model has opened a connection");
    if (verdict === "allowed") delete attempt.unreached;
    else attempt.unreached = record;
  }

  #after(ms: number, words: string, signal: AbortSignal): Promise<never> {
    return new Promise((_resolve, reject) => {
      const cancel = afterAwake(ms, () => reject(new HiveError("unavailable", words)));
      signal.addEventListener("abort", cancel, { once: true });
    });
  }

  async #audit(actor: string, kind: string, reason?: string): Promise<void> {
    const { store, now } = this.#deps;
    await store.write(() =>
      store.ledger.audit(store.nextSeq(), { at: now(), actor, kind, ...(reason === undefined ? {} : { reason }) }),
    );
  }
}

/** The address that the flow prints. Rejects if it ends before. */
const addressOf = (flow: LoginFlow): Promise<string> =>
  Promise.race([
    flow.until(() => flow.screen.address),
    flow.ended.then(() => {
      throw new HiveError("unavailable", `the CLI ended before it printed an address: ${lastWords(flow)}`);
    }),
  ]);

/** Settles as the work does, or rejects with the reason of the abort. */
function orEnd<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(signal.reason as Error);
    if (signal.aborted) ended();
    signal.addEventListener("abort", ended, { once: true });
    work.then(resolve, reject);
  });
}

const minutes = (ms: number): string => `${ms / 60_000} minutes`;
const lastWords = (flow: LoginFlow): string => flow.screen.lastWords || "it printed nothing";
