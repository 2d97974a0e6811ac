import { commitObject, treeObjects } from "../config-repos/objects.ts";
import { SYSTEM } from "../wire/names.ts";
import { isRehearsed, REHEARSED_ADDRESS } from "../wire/address-kinds.ts";
import type { Repositories } from "./repositories.ts";
import type { Upstreams } from "./upstream.ts";
import type { WorkContext } from "./work-context.ts";

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

interface SampleDeps {
  context: Pick<WorkContext, "git" | "rehearsed" | "now">;
  repositories: Pick<Repositories, "all" | "find" | "tip">;
  upstreams: Pick<Upstreams, "addRemote" | "fetch">;
}

/**
 * Makes the sample repository, unless the hive has a repository already. It follows the rehearsed host, where approved
 * changes become pull requests.
 */
export async function makeSample({ context, repositories, upstreams }: SampleDeps): Promise<void> {
  const { git, rehearsed } = context;
  const repo = repositories.find(SAMPLE);
  const tip = repositories.tip(SAMPLE, "main");
  if (repositories.all().length > 0) {
    const isFollowing = repo?.upstream?.kind === "remote" && isRehearsed(repo.upstream.address);
    if (!isFollowing) return;
    // The hive was restored from a backup.
    if (tip !== undefined && !rehearsed.exists) await rehearsed.makeFrom(git, SAMPLE, tip);
    if (tip !== undefined) return;
    // A daemon was ended between adding the sample and its first fetch.
    await makeHost(context);
    await upstreams.fetch(SAMPLE);
    return;
  }
  await makeHost(context);
  const settings = { check: "sh test.sh", reviewers: ["critic"], forge: "github" as const };
  await upstreams.addRemote(SAMPLE, { address: REHEARSED_ADDRESS, private: false }, settings, { by: SYSTEM });
}

/** Makes the repository of the rehearsed host, unless it is there. */
async function makeHost({ rehearsed, now }: SampleDeps["context"]): Promise<void> {
  if (!rehearsed.exists) {
    const files = Object.entries(FILES).map(([path, text]) => ({
      path,
      mode: "100644" as const,
      base64: Buffer.from(text).toString("base64"),
    }));
    const tree = treeObjects(files);
    const commit = commitObject(tree.at(-1)?.sha ?? "", [], { message: "Greet", author: "hyperhive", at: now() });
    await rehearsed.make([...tree, commit], commit.sha);
  }
}
