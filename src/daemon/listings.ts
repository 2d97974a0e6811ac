import { listed } from "../lib/within.ts";
import { MAX_LISTING_BYTES } from "../wire/limits.ts";
import type { RepoView } from "../wire/work.ts";
import type { Repositories } from "../work/repositories.ts";

/** The answer of a paged listing: at most `limit` rows, and at most the bytes of a listing. */
export function listing<Row, T>(
  rows: Iterable<Row>,
  viewOf: (row: Row) => T,
  { limit = Infinity }: { limit?: number } = {},
): { rows: T[]; more?: true } {
  return listed(rows, viewOf, { limit, bytes: MAX_LISTING_BYTES });
}

/** The repositories after a name, in the order of their names. */
export function repoListing(
  repositories: Pick<Repositories, "all" | "view">,
  { after = "", bytes = MAX_LISTING_BYTES }: { after?: string | undefined; bytes?: number },
): { rows: RepoView[]; more?: true } {
  const rest = repositories.all().filter(({ name }) => name > after);
  return listed(
    rest.sort((a, b) => (a.name < b.name ? -1 : 1)),
    (repo) => repositories.view(repo),
    { bytes },
  );
}
