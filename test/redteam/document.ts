import type { Definition, Result } from "./result.ts";

/** The page of the suite, `docs/boundary.md`: the same for every run with the same outcomes. */

const HEAD = `# What the boundary was tried with

\`npm run redteam\` starts hives of its own, carries out each attempt of this page and writes the page. \`npm test\` does the same in one of its tests. An attempt is **blocked** if a barrier refused it with its own words, and **contained** if it succeeds by design and changes nothing outside of its cage. An attempt that gets through, or that fails with other words than its barrier's, is **open** and fails the run.

An attempt comes from the cage of an \`agent\`, of the \`manager\` or of an agent with small limits that it exhausts (\`flood\`), from the cage of a \`login\` to the model whose CLI has been taken over, from a local \`socket\` (another user of the machine, or hostile bytes), from the \`web\` (a program that speaks HTTP to the dashboard), from a \`browser\` (a page of another origin, or text of an agent in the operator's page), from an \`upstream\` (a git server of another host that a repository follows), or from a \`daemon\` that has been taken over, in a hive that root has started. [Security](security.md) says what each barrier is.
`;

/** Text in a cell of a table. */
const cell = (text: string): string => text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|").trim();
/** Commits differ from run to run. */
const evidence = (text: string): string => cell(text.replaceAll(/\b[0-9a-f]{40}\b/g, "…"));
const code = (text: string): string => `\`${text}\``;
const areaOf = (id: string): string => id.split("-")[0] ?? id;

/** The page of a whole run. */
export function boundaryPage(results: readonly Result[]): string {
  const sorted = [...results].sort((a, b) => (a.id < b.id ? -1 : 1));
  const areas = [...new Set(sorted.map(({ id }) => areaOf(id)))];
  const tables = areas.map((area) => {
    const rows = sorted.filter(({ id }) => areaOf(id) === area);
    const lines = rows.map(
      ({ id, from, attempt, barrier, outcome, by }) =>
        `| ${code(id)} | ${from} | ${cell(attempt)} | ${cell(barrier)} | ${outcome} | ${evidence(by)} |`,
    );
    return [
      `## ${area}`,
      "",
      "| row | from | attempt | barrier | outcome | by what |",
      "| --- | --- | --- | --- | --- | --- |",
      ...lines,
      "",
    ];
  });
  return [HEAD, ...tables.flat()].join("\n");
}

/** The rows that a page has. */
export function rowsOfPage(page: string): Definition[] {
  return [...page.matchAll(/^\| `([^`]+)` \| (\w+) \| ((?:[^|\\]|\\.)*) \| ((?:[^|\\]|\\.)*) \|/gm)].map(
    ([, id = "", from = "", attempt = "", barrier = ""]) => ({
      id,
      from: from as Definition["from"],
      attempt: attempt.replaceAll("\\|", "|"),
      barrier: barrier.replaceAll("\\|", "|"),
    }),
  );
}
