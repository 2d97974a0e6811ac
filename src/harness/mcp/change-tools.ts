import { z } from "zod";
import { MAX_COMMENTS, MAX_TITLE_CHARS } from "../../wire/work.ts";
import type { Output } from "../../wire/operations.ts";
import { ALL_ROLES, define, type HiveTool } from "./tool.ts";

const oneChange = { id: z.number().int().describe("Id of the change") };

/** Tools for changes, of agents with repositories. */
export const changeTools: readonly HiveTool[] = [
  define({
    name: "propose_change",
    description:
      "Propose a branch that you have pushed for a base of its repository. The operator, or the repository's policy, decides; the merge queue then merges it, after the checks. If it comes back, you get a message from system that says why: push a new commit to the same branch and call this again, which replaces the proposal.",
    roles: ALL_ROLES,
    onRepositories: true,
    shape: {
      repo: z.string().describe("Name of the repository"),
      branch: z.string().describe("Your branch as you pushed it, such as fix-login"),
      title: z.string().max(MAX_TITLE_CHARS).describe("What the change does, in one line like the subject of a commit"),
      body: z.string().optional().describe("Why, and what a reviewer has to know"),
      base: z.string().optional().describe("The branch to merge into; by default the repository's base"),
      answers: z
        .array(z.object({ comment: z.number().int(), text: z.string() }))
        .max(MAX_COMMENTS)
        .optional()
        .describe("Answers to the review's comments, by their ids"),
    },
    async run(host, { repo, branch, title, body, base, answers }) {
      const { change } = await host.call("propose_change", {
        repo,
        branch,
        title,
        ...(body === undefined ? {} : { body }),
        ...(base === undefined ? {} : { base }),
        ...(answers === undefined ? {} : { answers }),
      });
      return `change ${change.id}: commit ${change.sha} of ${change.branch} is proposed for ${change.base} of ${change.repo} (round ${change.round}, ${change.state}); you get a message if it comes back`;
    },
  }),
  define({
    name: "list_changes",
    description: "The changes of your repositories with their states, newest first.",
    roles: ALL_ROLES,
    onRepositories: true,
    shape: {
      repo: z.string().optional().describe("Only those of this repository"),
      mine: z.boolean().optional().describe("Only your own"),
      before: z.number().optional().describe("Only those before this id"),
    },
    async run(host, { repo, mine, before }) {
      const { changes, more } = await host.call("list_changes", {
        ...(repo === undefined ? {} : { repo }),
        ...(mine === undefined ? {} : { mine }),
        ...(before === undefined ? {} : { before }),
      });
      if (changes.length === 0) return "no changes";
      const older = more === true ? [`(older ones: before ${changes.at(-1)?.id})`] : [];
      return [...changes.map(line), ...older].join("\n");
    },
  }),
  define({
    name: "withdraw_change",
    description: "Withdraw one of your changes. Its branch stays.",
    roles: ALL_ROLES,
    onRepositories: true,
    shape: { ...oneChange, note: z.string().optional().describe("Why") },
    async run(host, { id, note }) {
      await host.call("withdraw_change", { change: id, ...(note === undefined ? {} : { note }) });
      return `change ${id} is withdrawn`;
    },
  }),
  define({
    name: "review_change",
    description:
      "Give your verdict on one commit of a change. Only for reviewers that the repository's settings name, and never on your own change. Fetch the branch and read the commit first.",
    roles: ALL_ROLES,
    onRepositories: true,
    shape: {
      ...oneChange,
      commit: z.string().describe("The commit that you have read, by its full name; list_changes shows it"),
      verdict: z.enum(["approve", "request_changes", "comment"]),
      text: z.string().optional().describe("What the owner of the change should know"),
      comments: z
        .array(
          z.object({
            path: z.string().optional(),
            line: z.number().int().optional().describe("Line number in the new file, or in the old one for a removed line"),
            side: z.enum(["new", "old"]).optional(),
            quote: z.string().optional().describe("The line as it is"),
            text: z.string(),
          }),
        )
        .max(MAX_COMMENTS)
        .optional()
        .describe("Comments on lines. Without a path, on the whole change"),
    },
    async run(host, { id, commit, verdict, text, comments }) {
      const { change } = await host.call("review_change", {
        change: id,
        commit,
        verdict,
        ...(text === undefined ? {} : { text }),
        ...(comments === undefined ? {} : { comments }),
      });
      return `your verdict on change ${id} is stored; its state is ${change.state}`;
    },
  }),
];

function line(change: Output<"list_changes">["changes"][number]): string {
  const { id, repo, agent, branch, base, state, title, sha, reason, note } = change;
  const why = [note, reason].filter((one) => one !== undefined).join("; ");
  return `change ${id} of ${repo}: ${state}: ${agent}/${branch} → ${base}, commit ${sha}: ${title}${why === "" ? "" : ` (${why})`}`;
}
