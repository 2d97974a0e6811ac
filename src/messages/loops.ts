import type { ChainCost } from "../store/chains.ts";
import type { Store, Tx } from "../store/store.ts";
import { costWords, dollars } from "../wire/cost.ts";
import { cut } from "../wire/cut.ts";
import { DEFAULT_LOOP_OUTPUT_TOKENS, DEFAULT_LOOP_USD, MAX_REASON_CHARS } from "../wire/limits.ts";

/** Chains whose senders are known. An agent handles one message at a time, so a hive has few that go on. */
const MAX_CHAINS = 2_000;
/** Pairs of agents that are known of a chain: more than an operator could follow. Later pairs are not searched. */
const MAX_EDGES = 256;
/** Loops in one listing, the newest. */
const MAX_LISTED = 50;

/** What a loop may use before it asks: US dollars, and tokens of output for models without a price. */
export interface LoopLimits {
  usd: number;
  outputTokens: number;
}

export const DEFAULT_LOOP_LIMITS: LoopLimits = { usd: DEFAULT_LOOP_USD, outputTokens: DEFAULT_LOOP_OUTPUT_TOKENS };

/** Agents that message one another round and round in one chain, in which no human has said anything since. */
export interface Loop extends ChainCost {
  chain: number;
  /** The ids of the agents, beginning and ending with the same one: the one whose name is first in the alphabet. */
  agents: readonly string[];
  rounds: number;
  /** When its newest message was sent. Milliseconds. */
  lastAt: number;
}

/** A hop of a chain: one agent's message to another. */
export interface Hop {
  chain: number;
  hops: number;
  from: string;
  to: string;
}

/** Messages from one agent to another in a chain. */
interface Edge {
  /** The position in the chain of the newest message. */
  hops: number;
  /** Messages at rising positions: two in one turn count once. */
  times: number;
}

interface Chain {
  /** By sender and recipient. */
  edges: Map<string, Map<string, Edge>>;
  /** The number of edges. */
  size: number;
  /** Rounds before an operator let it go on. What it has cost counts from its beginning, too. */
  past: number;
  loop?: { agents: readonly string[]; rounds: number; lastAt: number };
}

export interface LoopDeps {
  store: Pick<Store, "chains">;
  limits: LoopLimits;
  nameOf(id: string): string;
  now(): number;
}

/**
 * Finds agents that message one another in circles. Memory holds who has sent to whom in the chains that go on, so a
 * send costs one look-up; only a pair that repeats is searched for a way back, among at most `MAX_EDGES` pairs. After a
 * restart of the daemon a loop is found one round later. What it costs is stored with the metering.
 */
export class Loops {
  readonly #deps: LoopDeps;
  /** By chain, the one with the newest message last. */
  readonly #chains = new Map<number, Chain>();

  constructor(deps: LoopDeps) {
    this.#deps = deps;
  }

  /** What a loop may use before it asks. */
  get limits(): LoopLimits {
    return this.#deps.limits;
  }

  /** Why a message has to wait for the operator: it closes a loop that has used what it may. */
  whyHeld(hop: Hop): string | undefined {
    const found = this.#closed(hop);
    if (!found) return undefined;
    const cost = this.#deps.store.chains.of(hop.chain);
    if (!this.#isOver(cost)) return undefined;
    const { nameOf, limits } = this.#deps;
    const way = found.agents.map(nameOf).join(" → ");
    const limit = `a loop asks at ${dollars(limits.usd)} or ${limits.outputTokens} output tokens`;
    const words = `${usedWords(cost)} in ${roundWords(found.rounds)} without you; ${limit}: release it or drop it. The loop: ${way}`;
    return cut(words, MAX_REASON_CHARS);
  }

  /** Notes a message that is delivered. */
  sent(tx: Tx, hop: Hop): void {
    tx.afterCommit(() => this.#note(hop));
  }

  /** Notes a message that is held, so that the listing has the loop as the message's reason states it. */
  held(tx: Tx, hop: Hop): void {
    tx.afterCommit(() => {
      const closed = this.#closed(hop);
      const chain = this.#chains.get(hop.chain);
      if (closed && chain) chain.loop = { ...closed, lastAt: this.#deps.now() };
    });
  }

  /** An operator lets a chain go on: it is searched from the beginning, and may use as much again. */
  passed(tx: Tx, chain: number): void {
    this.#deps.store.chains.pass(chain);
    tx.afterCommit(() => {
      const known = this.#chains.get(chain);
      if (known) this.#chains.set(chain, emptyChain(known.loop?.rounds));
    });
  }

  /** The loops of the chains that go on, the newest first. */
  all(): Loop[] {
    const found: Loop[] = [];
    for (const [chain, { loop }] of [...this.#chains].reverse()) {
      if (!loop) continue;
      found.push({ chain, ...loop, ...this.#deps.store.chains.of(chain) });
      if (found.length === MAX_LISTED) break;
    }
    return found;
  }

  #isOver({ since }: ChainCost): boolean {
    const { usd, outputTokens } = this.#deps.limits;
    return since.costUsd >= usd || since.output >= outputTokens;
  }

  #note(hop: Hop): void {
    const { chain: id } = hop;
    if (hop.from === hop.to) return;
    const closed = this.#closed(hop);
    const chain = this.#chains.get(id) ?? emptyChain();
    // Put last again, so that the chain that has been still for longest is forgotten first.
    this.#chains.delete(id);
    this.#chains.set(id, chain);
    if (closed) chain.loop = { ...closed, lastAt: this.#deps.now() };
    addEdge(chain, hop);
    if (this.#chains.size <= MAX_CHAINS) return;
    for (const oldest of this.#chains.keys()) return void this.#chains.delete(oldest);
  }

  /** The loop that a message begins again: its pair has occurred earlier in the chain, and there is a way back. */
  #closed({ chain, hops, from, to }: Hop): { agents: readonly string[]; rounds: number } | undefined {
    const known = this.#chains.get(chain);
    const edge = known?.edges.get(from)?.get(to);
    if (!known || !edge || hops <= edge.hops) return undefined;
    const back = wayBack(known.edges, to, from);
    return back && { agents: this.#fromFirst(back), rounds: known.past + edge.times };
  }

  /** A loop that is written the same wherever it is closed: it begins and ends with the first name of the alphabet. */
  #fromFirst(agents: readonly string[]): readonly string[] {
    const names = agents.map(this.#deps.nameOf);
    const first = names.reduce((least, name, n) => (name < (names[least] ?? "") ? n : least), 0);
    return [...agents.slice(first), ...agents.slice(0, first + 1)];
  }
}

const emptyChain = (past = 0): Chain => ({ edges: new Map(), size: 0, past });

function addEdge(chain: Chain, { hops, from, to }: Hop): void {
  let sent = chain.edges.get(from);
  const edge = sent?.get(to);
  if (edge) {
    if (hops > edge.hops) edge.times++;
    edge.hops = Math.max(edge.hops, hops);
    return;
  }
  if (chain.size >= MAX_EDGES) return;
  if (!sent) chain.edges.set(from, (sent = new Map()));
  sent.set(to, { hops, times: 1 });
  chain.size++;
}

/** The shortest way along the edges: the agents from `from` to `to`, both included. */
function wayBack(edges: Chain["edges"], from: string, to: string): string[] | undefined {
  const cameFrom = new Map<string, string | undefined>([[from, undefined]]);
  for (const at of cameFrom.keys()) {
    if (at === to) {
      const way: string[] = [];
      for (let step: string | undefined = to; step !== undefined; step = cameFrom.get(step)) way.push(step);
      return way.reverse();
    }
    for (const next of edges.get(at)?.keys() ?? []) if (!cameFrom.has(next)) cameFrom.set(next, at);
  }
  return undefined;
}

const roundWords = (rounds: number): string => (rounds === 1 ? "1 round" : `${rounds} rounds`);
const usedWords = ({ costUsd, unpriced, output }: ChainCost): string =>
  `the chain has used ${costWords(costUsd, unpriced)} and ${output} output tokens`;
