import type { Barrier } from "../barrier.ts";

const RULES = "src/work/transport/push-rules.ts";

export const gitBarriers: readonly Barrier[] = [
  {
    name: "git-base",
    what: "that only the merge queue moves a base",
    file: RULES,
    from: "if (rules.whyNoBase !== undefined)\n",
    to: "if (false)\n",
    opens: ["git-base"],
    holds: ["git-tag", "git-other-topic"],
  },
  {
    name: "git-names-of-others",
    what: "that names of others begin their branches",
    file: RULES,
    from: "if (first !== rules.self && rules.others.has(first) && rest.length > 0)",
    to: "if (false)",
    opens: ["git-operator-topic"],
    holds: ["git-base", "git-tag"],
  },
  {
    name: "git-branches-only",
    what: "that only branches are pushed",
    file: RULES,
    from: "if (!ref.startsWith(HEADS)) return",
    to: "if (false) return",
    opens: ["git-change-ref", "git-notes-ref", "git-upstream-ref"],
    holds: ["git-base", "git-tag"],
  },
  {
    name: "git-config",
    what: "that an agent has the repositories of its config",
    file: "src/work/transport/agent-git.ts",
    from: "const access = agent.destroyed ? undefined : accessOf(agent, repo);",
    to: 'const access = "write" as string;',
    opens: ["git-other-repository", "git-path-out"],
    holds: ["git-base", "git-other-objects"],
  },
];
