import type { RepoSettings } from "../../src/wire/work.ts";

/** The settings as the form has them: lists are text. */
export type Fields = Omit<RepoSettings, "reviewers" | "protected"> & { reviewers: string; protected: string };

export function fieldsOf(settings: RepoSettings): Fields {
  const { base, check, setup, merge, policy, author, push, check_on } = settings;
  return {
    base,
    check,
    setup,
    merge,
    policy,
    author,
    push,
    check_on,
    reviewers: settings.reviewers.join(", "),
    protected: settings.protected.join("\n"),
  };
}

const listOf = (text: string, separator: RegExp): string[] =>
  text
    .split(separator)
    .map((one) => one.trim())
    .filter((one) => one !== "");

/** The settings that differ from those of the repository. */
export function changedSettings(settings: RepoSettings, fields: Fields): Partial<RepoSettings> {
  const wanted: RepoSettings = {
    ...fields,
    author: fields.author.trim(),
    check: fields.check.trim(),
    setup: fields.setup.trim(),
    reviewers: listOf(fields.reviewers, /[\s,]+/),
    // A path may have blanks and commas.
    protected: listOf(fields.protected, /\n/),
  };
  const keys = Object.keys(wanted) as (keyof RepoSettings)[];
  return Object.fromEntries(
    keys.filter((key) => JSON.stringify(wanted[key]) !== JSON.stringify(settings[key])).map((key) => [key, wanted[key]]),
  );
}
