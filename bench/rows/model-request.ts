import { mkdtempSync, rmSync } from "node:fs";
import { Agent as HttpAgent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { anthropic } from "../../src/gateway/anthropic/dialect.ts";
import { Gateway, type Listening } from "../../src/gateway/gateway.ts";
import type { ModelReply } from "../../src/gateway/model/dialect.ts";
import { UsageToday } from "../../src/daemon/usage.ts";
import { Days } from "../../src/policy/days.ts";
import { DEFAULT } from "../../src/policy/spender.ts";
import { openBudgetsOf } from "../../test/lib/budgets.ts";
import { openStoreIn } from "../../test/lib/store.ts";
import { DEFAULT_CREDENTIAL } from "../../src/wire/default-credential.ts";
import { STOPPING_KINDS } from "../../src/wire/budget-kinds.ts";
import type { Row } from "../lib/row.ts";
import { interleave, percentile, ratio } from "../lib/stats.ts";

/** Requests in one slice: few, so that both sides of a ratio meet the same moments of a busy machine. */
const REQUESTS = 20;
const SLICES = 300;
/** What an agent's turn has used when an answer is stored. */
const TURN = {
  turn: 1,
  tokens: { input: 0, output: 0, cache_read: 0, cache_write: 0 },
  costUsd: 0,
  isUnpriced: false,
  budgetUsd: 0,
};
const MODEL = "claude-sonnet-4-5";
const BODY = JSON.stringify({ model: MODEL, max_tokens: 100, messages: [{ role: "user", content: "hello" }], stream: true });
const ANSWER = [
  { type: "message_start", message: { model: MODEL, usage: { input_tokens: 10, output_tokens: 1 } } },
  { type: "message_delta", usage: { output_tokens: 20 } },
]
  .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  .join("");

/** A request over model.sock until its answer has ended: with every limit of a budget, against the gateway without budgets. */
export const modelRequest: Row = {
  name: "model-request",
  async run({ quick }) {
    const folder = mkdtempSync(join(tmpdir(), "bench-model-"));
    const store = openStoreIn(folder);
    const usage = new UsageToday(store, new Days("UTC"), Date.now);
    const limited = openBudgetsOf(
      [{ id: "a1", name: "ada", budget: undefined, credential: DEFAULT_CREDENTIAL, changes: [] }],
      { store },
      { now: Date.now },
    );
    limited.budgets.began("a1");
    for (const kind of STOPPING_KINDS) limited.budgets.limits.set(DEFAULT, kind, 1_000_000_000);
    const open = (name: string, hasBudgets: boolean): Promise<Listening> =>
      new Gateway({
        model: {
          dialect: anthropic,
          upstream: async (): Promise<ModelReply> => ({
            status: 200,
            headers: { "content-type": "text/event-stream" },
            body: once(ANSWER),
          }),
          modelsOf: () => [MODEL],
          credentialOf: () => DEFAULT_CREDENTIAL,
          prices: {},
          enter: hasBudgets ? (id, model, gone) => limited.turnstile.enter(id, model, gone) : async () => () => {},
          onUsage(used) {
            const { input, output } = used.tokens;
            if (hasBudgets) limited.budgets.spend("a1", DEFAULT_CREDENTIAL, { output, input, costUsd: used.budgetUsd });
            void usage.add(used, TURN);
          },
          onSignal: () => {},
          onUnexpected(error) {
            throw error;
          },
        },
        egress: { hostsOf: () => [], resolve: async () => [], isPublic: () => false, onRecord: () => {} },
      }).listen({ id: "a1", name: "ada" }, { model: join(folder, `${name}.sock`), egress: join(folder, `${name}-egress.sock`) });
    const gateways = [await open("bare", false), await open("budget", true)];
    const agent = new HttpAgent({ keepAlive: true });
    /** Processor time of each slice, in milliseconds for each request. */
    const used: Record<string, number[][]> = { bare: [], budget: [] };
    const slice = async (name: string): Promise<number[]> => {
      const times: number[] = [];
      const before = process.cpuUsage();
      for (let nth = 0; nth < REQUESTS; nth++) times.push(await ask(agent, join(folder, `${name}.sock`)));
      const { user, system } = process.cpuUsage(before);
      used[name]?.push([(user + system) / 1000 / REQUESTS]);
      return times;
    };
    try {
      const seen = await interleave({ bare: () => slice("bare"), budget: () => slice("budget") }, quick ? 5 : SLICES);
      const [bareUsed = [], budgetUsed = []] = [used["bare"], used["budget"]];
      const us = (slices: number[][]): string => `${Math.round(percentile(slices.flat(), 0.5) * 1000)} µs`;
      return [
        {
          what: "a request to the model through the gateway, p50, with every limit of a budget, against one without budgets",
          value: ratio(seen.budget, seen.bare),
          unit: "×",
          reach: { most: 1.05 },
          detail: `${us(seen.budget)} / ${us(seen.bare)}`,
        },
        {
          what: "the same, processor time of the daemon and the client",
          value: ratio(budgetUsed, bareUsed),
          unit: "×",
          detail: `${us(budgetUsed)} / ${us(bareUsed)}`,
        },
      ];
    } finally {
      agent.destroy();
      limited.budgets.stop();
      for (const gateway of gateways) await gateway.close();
      store.close();
      rmSync(folder, { recursive: true });
    }
  },
};

/** Milliseconds from the request to the end of its answer. */
function ask(agent: HttpAgent, socketPath: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const headers = { "content-type": "application/json", "content-length": BODY.length };
    const outgoing = request({ socketPath, path: "/v1/messages?beta=true", method: "POST", agent, headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`the gateway answered ${answer.statusCode ?? 0}`));
      answer.resume().once("end", () => resolve(performance.now() - began));
    });
    outgoing.once("error", reject);
    outgoing.end(BODY);
  });
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
