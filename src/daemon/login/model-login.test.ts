import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { EgressRecord } from "../../gateway/egress/proxy.ts";
import type { CageExit } from "../../platforms/port.ts";
import type { LoginFlow } from "./login-flow.ts";
import { ModelLogin, type LoginTimes } from "./model-login.ts";
import { StoredLogin } from "./stored-login.ts";

const URL = "https://claude.ai/oauth/authorize?x";
const TOKEN = "sk-ant-oat01-a-token-that-is-long-enough";
const CODE = "abc#def";

/** A flow that a test drives in the place of the CLI. */
class ScriptedFlow implements LoginFlow {
  screen: LoginFlow["screen"] = { address: undefined, token: undefined, failure: undefined, lastWords: "" };
  readonly #exit = Promise.withResolvers<CageExit>();
  readonly ended = this.#exit.promise;
  readonly entered: string[] = [];
  onEnter: () => void = () => {};
  removed = false;
  #looks: (() => void)[] = [];

  print(screen: Partial<ScriptedFlow["screen"]>): this {
    Object.assign(this.screen, screen);
    for (const look of this.#looks) look();
    return this;
  }
  end(code = 0): this {
    this.#exit.resolve({ code });
    return this;
  }
  until<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const again = (): void => {
        const found = look();
        if (found !== undefined) resolve(found);
      };
      this.#looks.push(again);
      again();
    });
  }
  async enter(text: string): Promise<void> {
    this.entered.push(text);
    this.onEnter();
  }
  async remove(): Promise<void> {
    this.removed = true;
  }
}

let folder: string;
let stored: StoredLogin;
let flows: ScriptedFlow[];
let audit: { actor: string; kind: string; reason?: string }[];
let changedBy: string[];
let named: unknown[];
let whyNot: string | undefined;
let login: ModelLogin;
let report: (record: EgressRecord) => void;
/** How the next flow begins. */
let begin: (flow: ScriptedFlow) => void;

function open(times?: LoginTimes): void {
  login = new ModelLogin({
    async startFlow({ onRecord }) {
      const flow = new ScriptedFlow();
      flows.push(flow);
      report = onRecord;
      begin(flow);
      return flow;
    },
    removeLeft: async () => {},
    store: {
      write: async (work) => work({ afterCommit: () => {} } as never),
      nextSeq: () => 1,
      ledger: { audit: (_: number, row: (typeof audit)[number]) => void audit.push(row) } as never,
    },
    stored,
    named: {
      keep: async (name, token, by) => void named.push([name, token, by]),
      checkRoom: (name) => {
        if (name === "full") throw new Error("no room");
      },
    },
    whyNot: () => whyNot,
    onChanged: (by) => void changedBy.push(by),
    log: { info() {} } as never,
    onUnexpected: (error) => {
      throw error;
    },
    now: () => 1_000,
    ...(times ? { times } : {}),
  });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "model-login-"));
  stored = new StoredLogin(join(folder, "model-login.json"));
  flows = [];
  audit = [];
  changedBy = [];
  named = [];
  whyNot = undefined;
  begin = (flow) => void flow.print({ address: URL });
  open();
});
afterEach(async () => {
  await login.stop();
  rmSync(folder, { recursive: true });
});

const start = (by = "operator", again = false) => login.begin({ by, again });
const finish = (id: string, by = "operator") => login.finish({ login: id, code: CODE, by });

test("address, code, token: it is kept, its cage is gone, and the audit trail says who", async () => {
  const started = await start();
  expect(started).toEqual({ login: expect.any(String) as string, url: URL, expires_at: "1970-01-01T00:10:01.000Z" });
  const [flow] = flows;
  if (flow) flow.onEnter = () => void flow.print({ token: TOKEN }).end();
  await finish(started.login, "operator/ada");
  expect([flow?.entered, flow?.removed, stored.token()]).toEqual([[CODE], true, TOKEN]);
  expect(audit).toEqual([{ at: 1_000, actor: "operator/ada", kind: "model_login" }]);
  expect(changedBy).toEqual(["operator/ada"]);
});

test("the token of a log-in for another credential is kept as that one, also where the hive's own comes from the environment", async () => {
  whyNot = "ANTHROPIC_API_KEY comes first";
  await expect(login.begin({ by: "operator", again: false, credential: "full" })).rejects.toThrow("no room");
  const { login: id } = await login.begin({ by: "operator", again: false, credential: "work" });
  const [flow] = flows;
  if (flow) flow.onEnter = () => void flow.print({ token: TOKEN }).end();
  await finish(id, "operator/ada");
  expect([named, stored.exists, changedBy]).toEqual([[["work", TOKEN, "operator/ada"]], false, []]);
});

test("a code that is refused ends the log-in with the CLI's reason; nothing is kept", async () => {
  const { login: id } = await start();
  const [flow] = flows;
  if (flow) flow.onEnter = () => void flow.print({ failure: "That code wasn't accepted." });
  await expect(finish(id)).rejects.toMatchObject({
    code: "bad_request",
    message: "the log-in failed: That code wasn't accepted; begin another one for a new code",
  });
  expect([flow?.removed, stored.exists, changedBy]).toEqual([true, false, []]);
  expect(audit).toMatchObject([{ actor: "operator", kind: "model_login_failed" }]);
  await expect(finish(id)).rejects.toThrow("this log-in has ended");
  await expect(start()).resolves.toBeDefined();
});

test("a host that cannot be reached is named, and not the proxy that the CLI blames", async () => {
  const { login: id } = await start();
  const [flow] = flows;
  if (flow)
    flow.onEnter = () => {
      const host = { agentId: "login", host: "platform.claude.com", port: 443, bytesIn: 0, bytesOut: 0 };
      report({ ...host, verdict: "no such host" });
      flow.print({ failure: "Check that the proxy set in HTTPS_PROXY allows connections" });
    };
  await expect(finish(id)).rejects.toMatchObject({
    code: "unavailable",
    message: "platform.claude.com cannot be reached from this host (no such host): check its network, then log in again",
  });
});

test.each([
  ["with a failure", 1, { lastWords: "Your account is on hold." }, "the CLI ended without a token: Your account is on hold."],
  ["without a token", 0, {}, "the CLI ended without a token: it printed nothing"],
  ["with a failure after a token", 1, { token: TOKEN }, "the CLI ended without a token"],
])("a CLI that ends %s keeps nothing", async (_, code, screen, words) => {
  const { login: id } = await start();
  const [flow] = flows;
  if (flow) flow.onEnter = () => void flow.print(screen).end(code);
  await expect(finish(id)).rejects.toThrow(words);
  expect([flow?.removed, stored.exists]).toEqual([true, false]);
});

test("a second log-in is refused while one runs, and replaces it with `again`", async () => {
  const first = await start("operator/ada");
  await expect(start()).rejects.toThrow(/runs already \(operator\/ada, since 1970-01-01T00:00:01.000Z\).*--again/);
  const second = await start("operator", true);
  expect(flows.map((flow) => flow.removed)).toEqual([true, false]);
  await expect(finish(first.login)).rejects.toThrow("this log-in has ended");
  expect(second.login).not.toBe(first.login);
});

test("a log-in that is cancelled while the provider answers says so to the one who waits", async () => {
  const { login: id } = await start();
  const waiting = finish(id);
  await login.cancel(undefined);
  await expect(waiting).rejects.toThrow("the log-in was cancelled");
  expect([flows[0]?.removed, stored.exists]).toEqual([true, false]);
  await expect(login.cancel(undefined)).rejects.toThrow("no log-in to the model runs");
});

test("a code cannot be given twice", async () => {
  const { login: id } = await start();
  const waiting = finish(id);
  await expect(finish(id)).rejects.toThrow("this log-in does not wait for a code");
  await login.cancel(id);
  await expect(waiting).rejects.toThrow("cancelled");
});

test("a log-in without a code ends after its time", async () => {
  open({ addressMs: 60_000, codeMs: 1, exchangeMs: 60_000 });
  const removed = Promise.withResolvers<void>();
  begin = (flow) => {
    flow.print({ address: URL });
    flow.remove = async () => removed.resolve();
  };
  const { login: id } = await start();
  await removed.promise;
  await expect(finish(id)).rejects.toThrow("this log-in has ended");
});

test("an address or an answer that does not come ends it", async () => {
  open({ addressMs: 1, codeMs: 60_000, exchangeMs: 1 });
  begin = () => {};
  await expect(start()).rejects.toThrow("the CLI did not print an address");
  expect(flows[0]?.removed).toBe(true);
  open({ addressMs: 60_000, codeMs: 60_000, exchangeMs: 1 });
  begin = (flow) => void flow.print({ address: URL });
  const { login: id } = await start();
  await expect(finish(id)).rejects.toThrow("the provider did not answer");
  expect(flows[1]?.removed).toBe(true);
});

test("a CLI that ends before it prints an address says what it printed", async () => {
  begin = (flow) => void flow.print({ lastWords: "no terminal" }).end(1);
  await expect(start()).rejects.toThrow("the CLI ended before it printed an address: no terminal");
  expect(flows[0]?.removed).toBe(true);
});

test("a cage that cannot be built is reported, and the next log-in can begin", async () => {
  begin = () => {
    throw new Error("bubblewrap is missing");
  };
  await expect(start()).rejects.toThrow("bubblewrap is missing");
  begin = (flow) => void flow.print({ address: URL });
  await expect(start()).resolves.toMatchObject({ url: URL });
});

test("where a credential of the environment comes first, no cage is started", async () => {
  whyNot = "the hive's credential comes from ANTHROPIC_API_KEY";
  await expect(start()).rejects.toMatchObject({ code: "conflict", message: whyNot });
  expect(flows).toEqual([]);
});

test("a log-out removes the token, and a second one says that there is none", async () => {
  await stored.keep({ token: TOKEN, by: "operator", at: 1 });
  await login.logout("operator/ada");
  expect([stored.exists, changedBy]).toEqual([false, ["operator/ada"]]);
  expect(audit).toMatchObject([{ actor: "operator/ada", kind: "model_logout" }]);
  await expect(login.logout("operator")).rejects.toMatchObject({ code: "not_found" });
});

test("a daemon that stops ends the log-in with its cage", async () => {
  const { login: id } = await start();
  const waiting = finish(id);
  await Promise.all([expect(waiting).rejects.toThrow("the hive is stopping"), login.stop()]);
  expect(flows[0]?.removed).toBe(true);
});
