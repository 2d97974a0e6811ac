import { RequestState } from "../wire/approval.ts";
import { GUARDS, INITIAL, isTerminal, TABLE } from "../wire/request-states.ts";

/** The content of docs/states.md, generated from the table. */
export function statesPage(): string {
  return `# The states of a request

Generated from the table in \`src/wire/request-states.ts\` by \`node scripts/draw-states.mjs\`. A test compares them.

${diagram()}

${transitions()}

A request that fails its validation is stored and fails in one step, so it is never pending. Requests that are approved by their author (spawn, first start, rollback, update, revive) are stored and approved in one step. A cancelled request leaves no tag.

## The steps

| state | steps |
| --- | --- |
| building | \`agent\` finds the agent, or creates it for a spawn; \`tree\` reads the approved files and checks them again; \`generation\` writes them next to the running generation; \`proposed\` creates the manager's repository; \`lock\` creates the candidate commit of the ledger; \`build\` lets the platform build it, and can be cancelled |
| waiting | \`wait\` holds the turn loop until the running turn has ended, for at most 10 minutes or until it is forced |
| activating | \`activate\` starts the new generation, which has 60 s to start Claude Code with its config and confirm; \`publish\` moves the ledger, the point of no return |
| then | \`main\` moves applied main, \`tag\` sets the tag, \`settle\` stores the row and the agent's record in one transaction; \`leave\` returns the agent to its earlier state |

## The invariants

\`hivectl check\` checks them on a running hive.

1. A request has a tag \`deployed/<id>\` if and only if a commit of the ledger locks it and its row is deployed.
2. The approved config is the built one: the same commit, the same tree, the same files in the running generation.
3. A failed, denied or cancelled request has changed neither the ledger nor the applied repositories nor the cages.
4. A request ends exactly once, with at most one tag.
5. An agent has at most one deploy at a time.
6. No process in a cage can approve, deny or answer.
7. The running, the locked and the recorded config are the same. A difference is shown as drift.
`;
}

/** The table as a diagram. */
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

/** The transitions with their guards. */
function transitions(): string {
  const lines = ["| state | event | to | guard | tag |", "| --- | --- | --- | --- | --- |"];
  for (const state of RequestState.options)
    for (const [event, rule] of Object.entries(TABLE[state])) {
      const tag = rule.tag ? `\`${rule.tag.name}/<id>\`${rule.tag.annotated ? ", annotated" : ""}` : "";
      lines.push(`| ${state} | ${event} | ${rule.to} | ${rule.guard ? GUARDS[rule.guard] : ""} | ${tag} |`);
    }
  return lines.join("\n");
}
