import type { Conversation } from "./conversation.ts";
import { Step, type Rule, type Scenario } from "./scenario.ts";
import { capture, fill, type Variables } from "./variables.ts";

/** State for the whole run of a hive: the turn that used each `once` rule, captured values, and failures. */
export interface Memory {
  used: Map<string, string>;
  variables: Variables;
  /** Errors, cuts and hangs so far, by step. */
  failures: Map<string, number>;
}

export function emptyMemory(): Memory {
  return { used: new Map(), variables: {}, failures: new Map() };
}

export interface Chosen {
  step: Step;
  /** Identifies the step, to count its failures. */
  key: string;
}

/** The start of the built-in answer to another agent. Such an answer gets no answer. */
const NOTED = "Noted, thank you.";

/**
 * The answer to a request: a step of the first rule that matches the turn, chosen by the number of tool rounds so far.
 * Values captured from the wake text and from earlier rounds are filled in.
 */
export function choose(scenarios: readonly Scenario[], agent: string, conversation: Conversation, memory: Memory): Chosen {
  const turn = `${agent} ${conversation.at} ${conversation.text}`;
  const round = conversation.results.length;
  for (const scenario of scenarios) {
    for (const [index, rule] of scenario.rules.entries()) {
      const key = `${scenario.name}/${index}`;
      const caught = fits(rule, agent, conversation);
      if (!caught) continue;
      if (rule.once && (memory.used.get(key) ?? turn) !== turn) continue;
      memory.used.set(key, turn);
      return { key: `${key}/${round} ${turn}`, step: nth(rule.steps, round, agent, conversation, caught, memory) };
    }
  }
  return {
    key: `default/${round} ${turn}`,
    step: nth(defaultSteps(agent, conversation), round, agent, conversation, {}, memory),
  };
}

/** What the patterns of a rule capture; undefined if the rule does not match the turn. */
function fits(rule: Rule, agent: string, conversation: Conversation): Variables | undefined {
  if (rule.agents && !rule.agents.includes(agent)) return undefined;
  if (rule.when.from !== undefined && !new RegExp(`^(?:${rule.when.from})$`).test(conversation.sender ?? "")) return undefined;
  if (rule.when.text === undefined) return {};
  const match = new RegExp(rule.when.text, "s").exec(conversation.body);
  if (!match) return undefined;
  const caught = Object.entries(match.groups ?? {});
  // The daemon writes JSON: capture the text that it encodes.
  if (conversation.sender === "system")
    return Object.fromEntries(caught.flatMap(([name, value]) => (value === undefined ? [] : [[name, unescaped(value)]])));
  return Object.fromEntries(caught);
}

/** The text inside a JSON string's quotes, unescaped; other text unchanged. */
function unescaped(value: string): string {
  try {
    return String(JSON.parse(`"${value}"`));
  } catch {
    // Not a JSON string: the text is used unchanged.
    return value;
  }
}

function nth(
  steps: readonly Step[],
  round: number,
  agent: string,
  conversation: Conversation,
  caught: Variables,
  memory: Memory,
): Step {
  const played = steps.slice(0, round);
  // A value that this turn looks for is its own: that of an earlier turn does not stand in for one that is not found.
  const sought = new Set(played.flatMap((step) => Object.keys(step.capture)));
  const variables: Variables = {
    ...Object.fromEntries(Object.entries(memory.variables).filter(([name]) => !sought.has(name))),
    ...caught,
    agent,
    sender: conversation.sender ?? "",
    body: conversation.body,
    pictures: String(conversation.pictures),
  };
  for (const [index, step] of played.entries())
    Object.assign(variables, capture(step.capture, conversation.results[index] ?? ""));
  const { agent: _1, sender: _2, body: _3, pictures: _4, ...lasting } = variables;
  Object.assign(memory.variables, lasting);
  const step = steps[round];
  // More rounds than steps: the script of the turn has ended.
  if (!step) return Step.parse({ say: "Done." });
  const filled = fill(step, variables);
  return { ...filled, tools: filled.tools.filter((tool) => isWanted(tool, variables)) };
}

function isWanted(tool: Step["tools"][number], variables: Variables): boolean {
  return (
    (tool.if === undefined || variables[tool.if] !== undefined) &&
    (tool.unless === undefined || variables[tool.unless] === undefined)
  );
}

/** Without a matching rule, every sender gets an answer. */
function defaultSteps(agent: string, conversation: Conversation): Step[] {
  const { sender, body } = conversation;
  if (sender === undefined || sender === "system" || sender.startsWith(`${agent}/`) || body.startsWith(NOTED))
    return [Step.parse({ say: "Noted." })];
  const hello = agent === "hm1nd" ? " Say “tour” and I show you around." : "";
  const answer =
    sender === "operator"
      ? `Hello from ${agent}! You said: “${brief(body)}”. This is a rehearsal: a scripted model plays me, and everything else is real.${hello}`
      : `${NOTED} You wrote: “${brief(body)}”`;
  return [
    Step.parse({
      think: `A message from ${sender}. I answer with the send tool, because plain text is not delivered.`,
      say: `I'll answer ${sender}.`,
      tools: [
        { name: "set_status", input: { text: `answering ${sender}` } },
        { name: "send", input: { to: sender, body: answer } },
      ],
    }),
    Step.parse({ say: `Answered ${sender}.` }),
  ];
}

function brief(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
