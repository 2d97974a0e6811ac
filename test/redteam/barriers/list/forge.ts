import type { Barrier } from "../barrier.ts";

/** Forges on which changes become pull requests. */
export const forgeBarriers: readonly Barrier[] = [
  {
    name: "forge-inert",
    what: "that text of agents is made inert",
    file: "src/work/forge/text.ts",
    from: 'const shown = rule === "inert" ? inert : (text: string): string => text;',
    to: 'const shown = rule === "inert" ? (text: string): string => text : inert;',
    opens: ["forge-mentions"],
    holds: ["forge-redirect", "forge-token"],
  },
  {
    name: "forge-echo",
    what: "that the token is taken out of what a forge says",
    file: "src/work/forge/http.ts",
    from: 'oneLine(withoutToken(connection)(all.filter(Boolean).join(": ")))',
    to: 'oneLine(all.filter(Boolean).join(": "))',
    opens: ["forge-token"],
    holds: ["forge-redirect", "forge-endless"],
  },
  {
    name: "forge-bound",
    what: "the bound of a forge's answer",
    file: "src/work/forge/http.ts",
    from: "if (bytes > MAX_ANSWER_BYTES)",
    to: "if (bytes < 0)",
    opens: ["forge-endless"],
    holds: ["forge-redirect", "forge-token"],
  },
  {
    name: "forge-merged",
    what: "that a merge counts only once the fetch shows it",
    file: "src/work/forge/follow.ts",
    from: "if (isFor && !isThere)",
    to: "if (isFor && isThere && !isThere)",
    opens: ["forge-merged"],
    holds: ["forge-redirect", "forge-token"],
  },
];
