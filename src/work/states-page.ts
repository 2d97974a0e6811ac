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
`;
}
