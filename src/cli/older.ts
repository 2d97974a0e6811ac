import type { LineClient } from "../rpc/client.ts";
import type { ApprovalView } from "../wire/approval.ts";
import type { StateSnapshot } from "../wire/event.ts";
import { MAX_PAGE_ROWS } from "../wire/limits.ts";
import type { ChangeView, RepoView } from "../wire/work.ts";
import type { Shell } from "./shell.ts";

/** The line under a listing that has more rows: how to go on. Empty if it has none. */
export const olderWords = (shell: Shell, more: boolean | undefined, last: number | undefined): string =>
  more === true && last !== undefined ? `\n${shell.paint("dim", `older ones: --before ${last}`)}` : "";

/** All rows of a listing that is read newest first, page by page, from those before an id on. */
export async function everyPage<Row extends { id: number }>(
  read: (before: number | undefined) => Promise<{ rows: Row[]; more?: boolean | undefined }>,
  first?: number,
): Promise<Row[]> {
  const all: Row[] = [];
  for (;;) {
    const { rows, more } = await read(all.at(-1)?.id ?? first);
    for (const row of rows) all.push(row);
    if (more !== true || rows.length === 0) return all;
  }
}

/** Requests that have not ended, newest first: those before an id, or all. */
export const openRequests = (client: LineClient, first?: number): Promise<ApprovalView[]> =>
  everyPage(async (before) => {
    const { approvals, more } = await client.call("approvals", { open: true, limit: MAX_PAGE_ROWS, before });
    return { rows: approvals, more };
  }, first);

/** Changes that have not ended, newest first: those before an id, or all. */
export const openChanges = (client: LineClient, first?: number): Promise<ChangeView[]> =>
  everyPage(async (before) => {
    const { changes, more } = await client.call("changes", { open: true, limit: MAX_PAGE_ROWS, before });
    return { rows: changes, more };
  }, first);

/** A snapshot with every open request and change. */
export async function wholeState(client: LineClient, messages: number): Promise<StateSnapshot> {
  const { state } = await client.call("state", { messages });
  const { approvals, changes, more } = state;
  const [asked, proposed] = await Promise.all([
    more?.approvals === true ? openRequests(client, approvals[0]?.id) : [],
    more?.changes === true ? openChanges(client, changes[0]?.id) : [],
  ]);
  return {
    ...state,
    approvals: [...asked.reverse(), ...approvals],
    changes: [...proposed.reverse(), ...changes],
    ...(more ? { more: { ...more, approvals: false, changes: false } } : {}),
  };
}

/** All repositories, in the order of their names. */
export async function everyRepo(client: LineClient): Promise<RepoView[]> {
  const all: RepoView[] = [];
  for (;;) {
    const { repos, more } = await client.call("repos", { after: all.at(-1)?.name });
    for (const repo of repos) all.push(repo);
    if (more !== true) return all;
  }
}
