import { commitObject, treeObjects } from "../config-repos/objects.ts";
import { writeObjects } from "../config-repos/store.ts";
import { SYSTEM } from "../wire/names.ts";
import type { Repositories } from "./repositories.ts";

/** The repository that a hive in rehearsal begins with. */
export const SAMPLE = "greeter";

/** A small program with a test, so that a change of it can be right or wrong. */
const FILES: Record<string, string> = {
  "README.md": `# greeter

\`sh greet.sh [name]\` prints a greeting. \`sh test.sh\` checks it.
`,
  "greet.sh": `#!/bin/sh
# Prints a greeting.
echo "Hello, \${1:-world}!"
`,
  "test.sh": `#!/bin/sh
set -e
check() {
  got=$(sh greet.sh $1)
  [ "$got" = "$2" ] || { echo "greet.sh $1: got '$got', wanted '$2'"; exit 1; }
  echo "ok: $2"
}
check "" "Hello, world!"
check Ada "Hello, Ada!"
`,
};

/** Makes the sample repository, unless the hive has a repository already. */
export async function makeSample(repositories: Repositories, at: number): Promise<void> {
  if (repositories.all().length > 0) return;
  await repositories.create(SAMPLE, { check: "sh test.sh", reviewers: ["critic"] });
  const files = Object.entries(FILES).map(([path, text]) => ({
    path,
    mode: "100644" as const,
    base64: Buffer.from(text).toString("base64"),
  }));
  const tree = treeObjects(files);
  const commit = commitObject(tree.at(-1)?.sha ?? "", [], { message: "Greet", author: "hyperhive", at });
  await writeObjects(repositories.folder(SAMPLE), [...tree, commit]);
  await repositories.moveBase(SAMPLE, "main", commit.sha, undefined, { actor: SYSTEM, by: "sample" });
}
