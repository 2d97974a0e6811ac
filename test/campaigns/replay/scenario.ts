import type { Task } from "./history.ts";
import { BASE } from "./history.ts";

/** The repository's name in the hive. */
export const REPO = "replay";

/**
 * What an agent runs in its cage: a branch from the newest base with the commit applied and pushed. The last line says
 * PICKED, or REFUSED with the files of the conflict. It is a program of its own, because a shell ignores `-e` in the list
 * in which the CLI runs a command. Attributes of the repository that convert files are switched off, because they make a
 * clean checkout look changed. An author without a name, which git does not write, gets one.
 */
const PICK = `sh -eu <<'SCRIPT'
cd /work/${REPO}
mkdir -p .git/info
echo '* -text !eol !ident !filter !working-tree-encoding' > .git/info/attributes
git fetch -q origin
git reset -q --hard
git clean -q -ffdx
git switch -q --no-track -C {{topic}} origin/${BASE}
if ! git cherry-pick --no-commit {{commit}} > /tmp/pick 2>&1; then
  files=$(git diff --name-only --diff-filter=U | head -n 5 | tr '\\n' ' ')
  git reset -q --hard
  git clean -q -ffdx
  echo "REFUSED \${files:-$(grep -m 1 . /tmp/pick)}"
  exit
fi
if git diff --cached --quiet; then
  echo 'REFUSED nothing is left of it'
  exit
fi
of() { git show -s --date=raw --format="$1" {{commit}}; }
name=$(of %an) email=$(of %ae)
export GIT_AUTHOR_NAME="\${name:-unknown}" GIT_AUTHOR_EMAIL="$email" GIT_AUTHOR_DATE="$(of %ad)"
of %B > /tmp/message
git commit -q --no-verify --allow-empty-message --cleanup=verbatim -F /tmp/message
git push -q -f -u origin {{topic}}
echo PICKED
SCRIPT
`;

/** The rules of the scripted model: an agent that is told to pick a commit picks and proposes it, or says why not. */
export const RULES: unknown[] = [
  {
    name: "pick",
    when: { from: "operator", text: "^pick (?<commit>[0-9a-f]{40}) as (?<topic>c[0-9]+): (?<subject>[^\\n]+)" },
    steps: [
      {
        tools: [{ name: "Bash", input: { command: PICK, description: "Apply the commit" } }],
        capture: { picked: "(PICKED)\\s*$", answer: "^(.{0,2000})" },
      },
      {
        tools: [
          {
            name: "propose_change",
            if: "picked",
            input: { repo: REPO, branch: "{{topic}}", title: "{{subject}}", body: "The commit {{commit}}." },
          },
          { name: "send", unless: "picked", input: { to: "operator", body: "{{topic}} not picked: {{answer}}" } },
        ],
        capture: { answered: "(^change [0-9]+: |^sent to )", answer: "^(.{0,2000})" },
      },
      { tools: [{ name: "send", unless: "answered", input: { to: "operator", body: "{{topic}} not proposed: {{answer}}" } }] },
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
  const [, topic, what, answer = ""] = /^(c[0-9]+) not (picked|proposed): ([\s\S]*)$/.exec(body) ?? [];
  if (topic === undefined) return undefined;
  const refused = what === "picked" ? /REFUSED (.*\S)\s*$/.exec(answer)?.[1] : undefined;
  return refused === undefined ? { topic, kind: "failed", words: answer } : { topic, kind: "conflicts", words: refused };
}
