import { RequestState } from "../wire/approval.ts";
import { GUARDS, INITIAL, isTerminal, TABLE } from "../wire/request-states.ts";

/** docs/states.md, drawn from the table. */
export function statesPage(): string {
  return `# The states of a request

Drawn from the table in \`src/wire/request-states.ts\` by \`node scripts/draw-states.mjs\`; a test keeps it true.

${diagram()}

${transitions()}

A request that fails its validation is stored and fails in one step: it is never seen pending. Requests that are approved by their author (spawn, first start, rollback, update, revive) are stored and approved in one step. A cancelled request leaves no tag.

## The steps

| state | steps, each beside its undo |
| --- | --- |
| building | \`agent\` finds the agent, or makes the one that a spawn is for; \`tree\` reads what was approved and checks it again; \`generation\` writes it beside what runs; \`proposed\` makes the manager's side; \`lock\` makes the candidate commit of the ledger; \`build\` lets the platform build it, and can be cancelled |
| waiting | \`wait\` holds the turn loop until the running turn is over: 10 minutes, or until forced |
| activating | \`activate\` starts the new generation, which has 60 s to start Claude Code with its config and confirm; \`publish\` moves the ledger, the point of no return |
| then | \`main\`, \`tag\`, \`settle\`: applied main, the tag, then the row and the agent's record in one commit; \`leave\` brings the agent back to where it was |

## The invariants

\`hivectl check\` checks them on a living hive.

1. What is tagged \`deployed/<id>\` is locked by a commit of the ledger, and its row says deployed; and the other way round.
2. What was approved is what was built: the same commit, the same tree, the same files in the generation that runs.
3. What failed, was denied or cancelled has left ledger, applied repositories and cages as they were.
4. A request has exactly one end, and at most one tag of it.
5. One deploy of an agent at a time.
6. Nobody in a cage can approve, deny or answer.
7. What runs, what the ledger locks and what the record says are one; a difference is shown as drift.
`;
}

/** The diagram of the table, for the docs. */
function diagram(): string {
  const lines = ["```mermaid", "stateDiagram-v2", `  [*] --> ${INITIAL.to}: ask · ${INITIAL.tag?.name}/id`];
  for (const state of RequestState.options)
    for (const [event, rule] of Object.entries(TABLE[state])) {
      const tag = rule.tag ? ` · ${rule.tag.name}/id` : "";
      lines.push(`  ${state} --> ${rule.to}: ${event}${tag}`);
    }
  for (const state of RequestState.options) if (isTerminal(state)) lines.push(`  ${state} --> [*]`);
  return [...lines, "```"].join("\n");
}

/** The same as a table, with guards. */
function transitions(): string {
  const lines = ["| state | event | to | guard | tag |", "| --- | --- | --- | --- | --- |"];
  for (const state of RequestState.options)
    for (const [event, rule] of Object.entries(TABLE[state])) {
      const tag = rule.tag ? `\`${rule.tag.name}/<id>\`${rule.tag.annotated ? ", annotated" : ""}` : "";
      lines.push(`| ${state} | ${event} | ${rule.to} | ${rule.guard ? GUARDS[rule.guard] : ""} | ${tag} |`);
    }
  return lines.join("\n");
}
