import type { StateSnapshot } from "../../src/wire/event.ts";
import { MAX_PAGE_ROWS } from "../../src/wire/limits.ts";
import type { call as callHive } from "./api.ts";

type Rest = Pick<StateSnapshot, "approvals" | "changes" | "repos">;

/** What a snapshot has left out: the older open requests and changes, oldest first, and the other repositories. */
export async function restOf({ more, ...first }: Rest & Pick<StateSnapshot, "more">, call: typeof callHive): Promise<Rest> {
  const rest: Rest = { approvals: [], changes: [], repos: [] };
  const open = (before: number | undefined) =>
    ({ open: true, limit: MAX_PAGE_ROWS, ...(before === undefined ? {} : { before }) }) as const;
  for (let isCut = more?.approvals; isCut === true;) {
    const page = await call("approvals", open((rest.approvals[0] ?? first.approvals[0])?.id));
    rest.approvals = [...page.approvals.reverse(), ...rest.approvals];
    isCut = page.more;
  }
  for (let isCut = more?.changes; isCut === true;) {
    const page = await call("changes", open((rest.changes[0] ?? first.changes[0])?.id));
    rest.changes = [...page.changes.reverse(), ...rest.changes];
    isCut = page.more;
  }
  for (let isCut = more?.repos; isCut === true;) {
    const after = (rest.repos.at(-1) ?? first.repos.at(-1))?.name;
    const page = await call("repos", after === undefined ? {} : { after });
    rest.repos = [...rest.repos, ...page.repos];
    isCut = page.more;
  }
  return rest;
}
