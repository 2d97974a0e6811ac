import type { Task } from "./history.ts";
import { BASE } from "./history.ts";

/** The repository's name in the hive. */
export const REPO = "replay";

/**
 * What an agent runs in its cage: a branch from the newest base with the commit applied and pushed. The last line says
 * PICKED, or REFUSED with the files of the conflict. Attributes of the repository that convert files are switched off,
 * because they make a clean checkout look changed.
 */
const PICK = `
set -eu
cd /work/${REPO}
echo '* -text !eol !ident !filter !working-tree-encoding' > .git/info/attributes
git fetch -q origin
git reset -q --hard
git clean -q -ffdx
git switch -q --no-track -C {{topic}} origin/${BASE}
if git cherry-pick --no-commit {{commit}} > /tmp/pick 2>&1; then
  if git diff --cached --quiet; then echo 'REFUSED nothing is left of it'; exit 0; fi
  git commit -q --no-verify --allow-empty-message --cleanup=verbatim -C {{commit}}
  git push -q -f -u origin {{topic}} 2> /tmp/push || { tail -n 3 /tmp/push; exit 1; }
  echo PICKED
else
  files=$(git diff --name-only --diff-filter=U | head -n 5 | tr '\\n' ' ')
  git reset -q --hard
  git clean -q -ffdx
  echo "REFUSED \${files:-$(grep -m 1 . /tmp/pick)}"
fi
`;

/** The rules of the scripted model: an agent that is told to pick a commit picks and proposes it, or says why not. */
export const RULES: unknown[] = [
  {
    name: "pick",
    when: { from: "operator", text: "^pick (?<commit>[0-9a-f]{40}) as (?<topic>c[0-9]+): (?<subject>[^\\n]+)" },
    steps: [
      {
        tools: [{ name: "Bash", input: { command: PICK, description: "Apply the commit" } }],
        capture: { picked: "(PICKED)\\s*$", refused: "REFUSED (.*\\S)", failure: "(\\S.{0,2000})" },
      },
      {
        tools: [
          {
            name: "propose_change",
            if: "picked",
            input: { repo: REPO, branch: "{{topic}}", title: "{{subject}}", body: "The commit {{commit}}." },
          },
          { name: "send", unless: "picked", if: "refused", input: { to: "operator", body: "{{topic}} conflicts: {{refused}}" } },
        ],
        capture: { answered: "(^change [0-9]+: |^sent to )", failure: "(\\S.{0,2000})" },
      },
      { tools: [{ name: "send", unless: "answered", input: { to: "operator", body: "{{topic}} failed: {{failure}}" } }] },
      { say: "Done." },
    ],
  },
];

/** Characters of a title: a change's limit. */
const MAX_TITLE = 200;

/** What the operator tells an agent. */
export function pickMessage({ sha, topic, subject }: Task): string {
  return `pick ${sha} as ${topic}: ${subject.slice(0, MAX_TITLE).trim() || topic}`;
}

/** An agent's answer to it. Undefined for any other message. */
export function parseAnswer(body: string): { topic: string; kind: "conflicts" | "failed"; words: string } | undefined {
  const [, topic, kind, words] = /^(c[0-9]+) (conflicts|failed): ([\s\S]*)$/.exec(body) ?? [];
  if (topic === undefined || (kind !== "conflicts" && kind !== "failed")) return undefined;
  return { topic, kind, words: words ?? "" };
}
