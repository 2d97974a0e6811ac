/** Breaks a word for programs, and shows nothing. */
const GAP = "\u200B";

/**
 * What a forge acts on in a text: it notifies people and teams (`@user`), refers to issues and closes them (`#12`,
 * `owner/repo#3`, `!12`, `GH-12`, their addresses). An entity may stand for any of these characters.
 */
const ACTIVE = [
  // A comment of HTML in between is removed before the forge looks, so what follows does not matter.
  /@/g,
  /#(?=[^\s#])/g,
  /!(?=[\d<&])/g,
  // Not within a word, as in high-level. An underscore is markup.
  /(?<![a-z\d])GH(?=\\*-|<)/gi,
  /\/(?:issues?|pulls?|pull-requests|merge_requests|discussions)(?=\\*\/|<)/gi,
  /&(?=#|[a-z]+\d*;)/gi,
];

/**
 * A text in which a forge finds no one to notify and no issue to refer to or to close. It looks the same. Every `@` is
 * broken, not only those that would count: forges differ in what is a name.
 */
export function inert(text: string): string {
  return ACTIVE.reduce((broken, pattern) => broken.replaceAll(pattern, (found) => found + GAP), text);
}
