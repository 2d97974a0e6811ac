import { withPresets } from "../../src/wire/egress-presets.ts";
import type { RepoSettings } from "../../src/wire/work.ts";

type Lists = "reviewers" | "protected" | "egress";
/** The settings as the form has them: lists are text. */
export type Fields = Omit<RepoSettings, Lists> & Record<Lists, string>;

export function fieldsOf(settings: RepoSettings): Fields {
  const { base, check, setup, merge, policy, author, push, check_on, forge, forge_text } = settings;
  return {
    base,
    check,
    setup,
    merge,
    policy,
    author,
    push,
    check_on,
    forge,
    forge_text,
    reviewers: settings.reviewers.join(", "),
    protected: settings.protected.join("\n"),
    egress: settings.egress.join(", "),
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
    egress: withPresets(listOf(fields.egress, /[\s,]+/)),
  };
  const keys = Object.keys(wanted) as (keyof RepoSettings)[];
  return Object.fromEntries(
    keys.filter((key) => JSON.stringify(wanted[key]) !== JSON.stringify(settings[key])).map((key) => [key, wanted[key]]),
  );
}
