import type { Task } from "./history.ts";

/** True if two commits change a path in common. */
export function share(one: Task, other: Task): boolean {
  const paths = new Set(one.changes.map(({ path }) => path));
  return other.changes.some(({ path }) => paths.has(path));
}

/**
 * The earlier commits that each commit must follow although git would apply it without them: a later commit brings back
 * what an earlier one has taken away, so that a file looks at two moments the same. From the first of them on, the commits
 * on that file are applied in their order.
 */
export function mustFollow(tasks: readonly Task[]): Map<number, Set<number>> {
  const follows = new Map<number, Set<number>>();
  const touching = new Map<string, number[]>();
  for (const { index, changes } of tasks)
    for (const { path } of changes) touching.set(path, [...(touching.get(path) ?? []), index]);
  for (const [path, indexes] of touching) {
    const first = indexes.find((at) => isUndone(tasks, path, at, indexes));
    if (first === undefined) continue;
    const ordered = indexes.filter((at) => at >= first);
    for (const at of ordered) {
      const earlier = ordered.filter((other) => other < at);
      follows.set(at, new Set([...(follows.get(at) ?? []), ...earlier]));
    }
  }
  return follows;
}

function isUndone(tasks: readonly Task[], path: string, at: number, indexes: readonly number[]): boolean {
  const on = (index: number) => (tasks[index]?.changes ?? []).filter((change) => change.path === path);
  const removed = new Set(on(at).flatMap((change) => change.removed));
  return indexes.some((later) => later > at && on(later).some(({ added }) => added.some((text) => removed.has(text))));
}
