import { resolve } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import { hivectl } from "../../lib/hivectl.ts";
import { isAddress, isSsh, parseAddress } from "../../wire/remote.ts";
import { notAHost, PRESET_NAMES, withPresets } from "../../wire/egress-presets.ts";
import {
  CheckOn,
  ForgeKind,
  ForgeText,
  MergeMethod,
  MergePolicy,
  PushRule,
  type RepoSettings,
  type RepoView,
} from "../../wire/work.ts";
import { repeated, waits } from "../arguments.ts";
import { asksFirst, confirm } from "../deciding.ts";
import { UsageError } from "../exit.ts";
import { everyRepo } from "../older.ts";
import { plural, visible } from "../print.ts";
import { addedBy } from "../added-repo.ts";
import { act, type Shell } from "../shell.ts";
import { group } from "../verbs.ts";
import { repoGitCommands } from "./repo-git.ts";
import { repoIncludeCommand } from "./repo-include.ts";
import { repoLoginCommand } from "./repo-login.ts";
import { repoReconcileCommand } from "./repo-reconcile.ts";

/** The settings of a repository as options. */
interface SettingOptions {
  base?: string;
  check?: string;
  setup?: string;
  merge?: MergeMethod;
  policy?: MergePolicy;
  author?: string;
  reviewer?: string[];
  protect?: string[];
  egress?: string[];
  push?: PushRule;
  checkOn?: CheckOn;
  forge?: ForgeKind;
  forgeText?: ForgeText;
}

function takesSettings(command: Command): Command {
  return command
    .option("--base <branch>", "the branch that changes are merged into")
    .option("--check <command>", "runs on the result of a merge; the change is merged if it ends with 0")
    .addOption(
      new Option("--check-on <moment>", "propose: the check also runs when a change is proposed, before you decide").choices(
        CheckOn.options,
      ),
    )
    .option("--setup <command>", "makes a fresh workspace ready to build; also runs before the check")
    .addOption(new Option("--merge <method>", "how a change is merged").choices(MergeMethod.options))
    .addOption(new Option("--policy <policy>", "what decides whether a change is merged").choices(MergePolicy.options))
    .option(
      "--egress <host>",
      `a host that setup and check reach when a change is checked, or ${PRESET_NAMES.join(", ")} for theirs; once for each`,
      repeated,
    )
    .option("--author <author>", "the author of the agents' commits: 'Name <mail>'; by default each agent's name")
    .option("--reviewer <agent>", "an agent whose review merges, under the policy reviewed; once for each", repeated)
    .option("--protect <pattern>", "paths that only the operator approves, such as 'deploy/**'; once for each", repeated)
    .addOption(
      new Option(
        "--push <rule>",
        "after-merge: write merges to the branch hive/<base> of the folder, or to the base of another host",
      ).choices(PushRule.options),
    )
    .addOption(
      new Option(
        "--forge <program>",
        "approved changes become pull requests on the other host, which merges them; forgejo is also for Gitea",
      ).choices(ForgeKind.options),
    )
    .addOption(
      new Option(
        "--forge-text <rule>",
        "inert: mentions and references to issues in pull requests do nothing; as-written: they count",
      ).choices(ForgeText.options),
    );
}

/** The given settings in the contract's form. An empty text unsets; an empty name alone is an empty list. */
function settingsOf({
  reviewer,
  protect,
  egress,
  base,
  check,
  setup,
  merge,
  policy,
  author,
  push,
  checkOn,
  forge,
  forgeText,
}: SettingOptions): Partial<RepoSettings> {
  const list = (values: string[] | undefined): string[] | undefined => values?.filter((value) => value !== "");
  const lists = {
    reviewers: list(reviewer),
    protected: list(protect),
    egress: egress && withPresets(checkHosts(list(egress) ?? [])),
  };
  const all = { base, check, setup, merge, policy, author, push, check_on: checkOn, forge, forge_text: forgeText, ...lists };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Throws a usage error for a mistyped preset. */
function checkHosts(hosts: string[]): string[] {
  const why = hosts.map(notAHost).find((one) => one !== undefined);
  if (why !== undefined) throw new UsageError(`--egress: ${why}`);
  return hosts;
}

/** Parses what `repo add` follows: a path, or an address that the hive can reach. */
function followed(text: string): string {
  const parsed = isAddress(text) ? parseAddress(text) : undefined;
  // The text is not repeated: it may have a credential.
  if (typeof parsed === "string") throw new InvalidArgumentError(`${parsed}.`);
  return text;
}

const FOR_SSH = "--key-stdin, --new-key, --host-key and --yes are for an ssh address: git@host:owner/repository.git";

/** What only an address takes. */
interface RemoteOptions {
  tokenStdin?: true;
  forgeTokenStdin?: true;
  private?: true;
  ca?: string;
  keyStdin?: true;
  newKey?: true;
  hostKey?: string;
  yes?: true;
}

/** Verbs for repositories. */
export function repositoryCommands(program: Command): void {
  const repo = group(program, "repo", "repositories: add, list, set, fetch, clean up, remove them; use them in your own clone");

  act<SettingOptions & RemoteOptions>(
    waits(
      takesSettings(
        repo
          .command("add")
          .argument("<new-name>", "its name in the hive, and in the workspaces of agents")
          .argument(
            "[followed]",
            "what the hive follows: a clone on this machine, https://host/owner/web.git, or git@host:owner/web.git",
            followed,
          )
          .description("add a repository: from a folder, from another host, or an empty one"),
      )
        .option("--token-stdin", "the token for the host, from standard input, or typed unseen at a terminal")
        .option(
          "--forge-token-stdin",
          "with --forge: a token of its own for pull requests; with --token-stdin it is the second line",
        )
        .option("--private", "the host has a private address; it is pinned")
        .option("--ca <file>", "the certificate of the host's own authority, in PEM")
        .option("--key-stdin", "for ssh: a private key without a passphrase, from standard input")
        .option("--new-key", "for ssh: the hive makes a key and prints its public half, to add at the host")
        .option("--host-key <fingerprint>", "for ssh: the fingerprint that the host's owner publishes: SHA256:…")
        .option("-y, --yes", "for ssh: take the host key that the host shows"),
    ),
    async (
      shell,
      [name, place]: [string, string?],
      { tokenStdin, forgeTokenStdin, private: isPrivate, ca, keyStdin, newKey, hostKey, yes, ...options },
    ) => {
      const ssh = { keyStdin, newKey, hostKey, yes };
      const isForSsh = Object.values(ssh).some((one) => one !== undefined);
      const settings = settingsOf(options);
      if (place !== undefined && isAddress(place)) {
        const { addRemote } = await import("../remote-repo.ts");
        if (isForSsh && !isSsh(place)) throw new UsageError(FOR_SSH);
        // Without --forge, the host's configuration may declare it: the daemon knows.
        if (forgeTokenStdin === true && settings.forge === "none")
          throw new UsageError("--forge-token-stdin is for pull requests: --forge names the program of the host");
        const remote = { name, address: place, tokenStdin, forgeTokenStdin, private: isPrivate, ca, ...ssh };
        const added = await addRemote(shell, remote, settings);
        return shell.show({ repo: added }, (output) => addedText(output.repo));
      }
      if (isForSsh) throw new UsageError(FOR_SSH);
      if ([tokenStdin, forgeTokenStdin, isPrivate, ca].some((one) => one !== undefined))
        throw new UsageError(
          "--token-stdin, --forge-token-stdin, --private and --ca are for an address: https://host/owner/repository.git",
        );
      const added =
        place === undefined
          ? (await shell.client.call("repo_create", { name, ...settings })).repo
          : await addFolder(shell, name, resolve(place), settings);
      const dirty = place === undefined ? 0 : await (await import("../user-git.ts")).uncommitted(resolve(place));
      shell.show({ repo: added }, (output) => [addedText(output.repo), ...uncommittedText(dirty)].join("\n"));
    },
  );

  act(repo.command("list").description("the repositories, with what their merge queues do"), async (shell) => {
    const { repoTable } = await import("../repo-text.ts");
    shell.show({ repos: await everyRepo(shell.client) }, ({ repos }) =>
      repos.length === 0 ? `there is no repository yet; ${hivectl("repo add --help")}` : repoTable(repos, shell),
    );
  });

  act(
    repo
      .command("show")
      .argument("<repo>", "the repository")
      .description("a repository: its settings, its bases with their queues, and the branches of its agents"),
    async (shell, [name]: [string]) => {
      const { repoText } = await import("../repo-text.ts");
      const output = await shell.client.call("repo", { name });
      const branches = [...output.branches];
      for (let page = output; page.more === true;) {
        page = await shell.client.call("repo", { name, after: branches.at(-1) });
        for (const branch of page.branches) branches.push(branch);
      }
      shell.show({ repo: output.repo, branches }, (shown) => repoText(shown, shell));
    },
  );

  act<SettingOptions>(
    takesSettings(
      repo
        .command("set")
        .argument("<repo>", "the repository")
        .description("change the settings of a repository; '' unsets one, and a list replaces the earlier one"),
    ),
    async (shell, [name]: [string], options) => {
      const settings = settingsOf(options);
      if (Object.keys(settings).length === 0) throw new UsageError(`say what to set; ${hivectl("repo set --help")} lists it`);
      const { repoText } = await import("../repo-text.ts");
      shell.show(await shell.client.call("repo_set", { name, ...settings }), (output) =>
        repoText({ ...output, branches: [] }, shell),
      );
    },
  );

  act(
    waits(
      repo
        .command("fetch")
        .argument("<repo>", "the repository")
        .description("fetch from what a repository follows, and move its bases forward"),
    ),
    async (shell, [name]: [string]) => {
      shell.waitsFor(`the fetch continues; ${hivectl(`repo show ${name}`)} shows the bases`);
      const [{ exportAgain }, { fetchText }] = await Promise.all([import("../export-mark.ts"), import("../repo-text.ts")]);
      const { upstream, remote } = (await shell.client.call("repo", { name })).repo;
      const nonce = upstream === undefined || remote !== undefined ? undefined : exportAgain(upstream);
      shell.show(await shell.client.call("repo_fetch", { name, nonce }), (output) => fetchText(output, shell));
    },
  );

  act<{ now?: boolean; dryRun?: boolean }>(
    waits(
      repo
        .command("gc")
        .argument("<repo>", "the repository")
        .description("remove the objects of a repository that nothing needs; its agents and merges stop meanwhile")
        .option("--now", "end running turns and merges at once; their messages return, and the changes stay in their queue")
        .option("--dry-run", "only say what would be removed; stops nothing"),
    ),
    async (shell, [name]: [string], { now = false, dryRun = false }) => {
      const { collect, collectedText } = await import("../collecting.ts");
      shell.show(await collect(shell, { name, now, dry_run: dryRun }), (output) => collectedText(output, { name, dryRun }));
    },
  );

  act<{ base?: string }>(
    waits(
      repo
        .command("push")
        .argument("<repo>", "the repository")
        .description("write a base to what its repository follows: to hive/<base> of a folder, or to the base of another host")
        .option("--base <branch>", "the base; by default the repository's base"),
    ),
    async (shell, [name]: [string], { base }) => {
      shell.waitsFor(`the push continues; ${hivectl(`repo show ${name}`)} shows how it ends`);
      shell.show(
        await shell.client.call("repo_push", { name, base }),
        ({ repo: { upstream }, branch, sha }) => `${branch} of ${visible(upstream ?? "its upstream")} is at ${sha.slice(0, 12)}`,
      );
    },
  );

  act<{ yes?: boolean }>(
    asksFirst(
      repo
        .command("remove")
        .argument("<repo>", "the repository")
        .description("remove a repository with its changes and the branches of its agents, for good"),
    ),
    async (shell, [name]: [string], options) => {
      const { repo: view } = await shell.client.call("repo", { name });
      await confirm(shell, options, `remove ${name} with its changes and branches, for good`);
      await shell.client.call("repo_remove", { name });
      const repos = await everyRepo(shell.client);
      const isFollowed = repos.some(({ upstream }) => upstream !== undefined && upstream === view.upstream);
      shell.show({}, () => removedText(view, isFollowed));
    },
  );

  for (const [verb, paused, words, done] of [
    ["pause", true, "pause a merge queue: what it merges now is finished, what waits stays", "is paused"],
    ["resume", false, "let a paused or stopped merge queue go on", "goes on"],
  ] as const)
    act<{ base?: string }>(
      repo
        .command(verb)
        .argument("<repo>", "the repository")
        .description(words)
        .option("--base <branch>", "the queue of this base; by default the repository's base"),
      async (shell, [name]: [string], { base }) =>
        shell.show(
          await shell.client.call("queue_pause", { name, base, paused }),
          (output) => `the merge queue of ${name} for ${base ?? output.repo.base} ${done}`,
        ),
    );

  repoLoginCommand(repo);
  repoReconcileCommand(repo);
  repoIncludeCommand(repo);
  repoGitCommands(repo);
}

/** Exports a folder to the hive and adds it, with its progress. Takes the export back if the hive refuses it. */
async function addFolder(shell: Shell, name: string, path: string, settings: Partial<RepoSettings>): Promise<RepoView> {
  const [{ gitFolder }, { exportFolder }] = await Promise.all([import("../user-git.ts"), import("../export-mark.ts")]);
  const folder = await gitFolder(path);
  const { nonce, undo } = exportFolder(folder);
  try {
    return await addedBy(shell, name, shell.client.stream("repo_add", { name, folder, nonce, ...settings }));
  } catch (error) {
    undo();
    throw error;
  }
}

function uncommittedText(files: number): string[] {
  if (files === 0) return [];
  const [are, them] = files === 1 ? ["is", "it"] : ["are", "them"];
  return [`${plural(files, "file")} there ${are} not committed: agents do not see ${them}`];
}

function addedText({ name, base, bases, upstream }: RepoView): string {
  const tip = bases.find((one) => one.name === base)?.sha;
  if (upstream === undefined || tip === undefined)
    return `${name} is added, empty: ${hivectl(`repo remote ${name} --add`)} in a clone, then \`git push hive ${base}\``;
  return `${name} is added: ${base} at ${tip.slice(0, 12)}, ${plural(bases.length, "branch", "branches")}; ${hivectl(`repo fetch ${name}`)} follows ${visible(upstream)}`;
}

/** `isFollowed`: another repository of this hive follows the same folder, which therefore stays exported. */
function removedText({ name, upstream, remote }: RepoView, isFollowed: boolean): string {
  const kept =
    upstream === undefined || remote !== undefined || isFollowed
      ? ""
      : `; ${visible(upstream)}/hive-export may be removed if no other hive follows that folder`;
  return `${name} is removed${kept}`;
}
