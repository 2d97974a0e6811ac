import { CHANGE_STATES, CHANGE_TABLE, CHANGE_WORDS, isChangeOver } from "../wire/change-states.ts";

/** The content of docs/change-states.md, generated from the table. */
export function changeStatesPage(): string {
  const moves = CHANGE_STATES.flatMap((state) =>
    Object.entries(CHANGE_TABLE[state]).map(([event, to]) => ({ state, event, to })),
  );
  const ends = ["propose", "withdraw", "supersede", "orphan", "deny"];
  return `# The states of a change

Generated from the table in \`src/wire/change-states.ts\` by \`node scripts/draw-states.mjs\`. A test compares them. [work.md](work.md) tells how agents, reviewers and the operator move a change.

${[
  "```mermaid",
  "stateDiagram-v2",
  "  [*] --> proposed: propose",
  ...moves.filter(({ event }) => !ends.includes(event)).map(({ state, event, to }) => `  ${state} --> ${to}: ${event}`),
  ...CHANGE_STATES.filter(isChangeOver).map((state) => `  ${state} --> [*]`),
  "```",
].join("\n")}

Until the queue takes a change, a new commit of its branch makes it \`proposed\` again, and it can be withdrawn, denied, superseded by a proposal for another base, or become stale because its base is gone.

| state | shown as | events |
| --- | --- | --- |
${CHANGE_STATES.map(
  (state) =>
    `| ${state} | ${CHANGE_WORDS[state]} | ${
      Object.entries(CHANGE_TABLE[state])
        .map(([event, to]) => `${event} → ${to}`)
        .join(", ") || "–"
    } |`,
).join("\n")}

## The steps of a merge

| state | step |
| --- | --- |
| merging | git merges the commit onto the tip of its base, in the sandbox. A conflict returns the change with the names of the files |
| checking | setup and check run on the result, in a cage of their own. A failure returns the change with the end of the output |
| in_pull_request | in place of \`pushing\`, where changes become pull requests: the approved commit is pushed to a branch of its own, and the pull request is opened, updated and followed until it is merged or closed there |
| pushing | the row holds the result and the tip that it was made on; the base moves by compare-and-swap, then the row says \`merged\`. If the base was elsewhere, the change is merged again, at most five times |

An error has the change merged again; after the second one the queue of that base stops with the reason, until it is resumed. On a full disk the queue waits for room. After a crash, a change in \`pushing\` is merged if its base contains the result; every other one goes back to \`queued\`.

## The invariants

\`hivectl check\` checks them on a running hive. Their numbers follow those of [the deploys](states.md#the-invariants).

8. A base is moved only by its queue, its upstream or the operator.
9. Every merge names its change in the trailer \`Hive-Change\`, and merges the commit that was approved, unless another host has merged its pull request.
10. What was reported as merged is in its base.
11. A base has at most one change that is being merged.
12. The proposed commit of an open change is pinned.
13. A change ends once.
14. A merge changes only what was shown when it was approved. The newest 200 merges are compared; \`hivectl check --all\` compares all. Merges of pull requests are the other host's, and are left out; those whose proposals \`repo gc\` has removed cannot be compared.
`;
}
