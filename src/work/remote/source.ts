import { Readable } from "node:stream";
import { HiveError } from "../../wire/error.ts";
import { TAGS } from "../repositories.ts";
import type { HistorySource } from "../git/import.ts";
import { addBranch, isTag, limited, type UpstreamRefs } from "../git/upstream-refs.ts";
import { readAdvertised, type Advertised } from "./advertisement.ts";
import { fetchPack } from "./fetch.ts";
import type { GitServer } from "./server.ts";

/** Time for a list of refs of the largest size over a slow line. Milliseconds. */
const LIST_MS = 10 * 60_000;

/**
 * What git's check of objects says of old histories, and what harms nothing: commits and trees that older or other
 * programs have written. Everything else is refused.
 */
const LEGACY = [
  "badDate",
  "badDateOverflow",
  "badEmail",
  "badName",
  "badTimezone",
  "missingEmail",
  "missingNameBeforeEmail",
  "missingSpaceBeforeDate",
  "missingSpaceBeforeEmail",
  "missingTaggerEntry",
  "multipleAuthors",
  "nulInCommit",
  "nullSha1",
  "zeroPaddedDate",
  "zeroPaddedFilemode",
];
const CHECKS = `--strict=${LEGACY.map((id) => `${id}=warn`).join(",")}`;

/** A repository of a git server as a source of history. */
export function remoteSource(server: GitServer): HistorySource {
  return {
    where: server.address,
    checks: CHECKS,
    async list(stop = new AbortController().signal) {
      const late = AbortSignal.timeout(LIST_MS);
      try {
        const conversation = await server.open("git-upload-pack", AbortSignal.any([stop, late]));
        conversation.close();
        return refsOf(server.address, readAdvertised(server.address, conversation.advertised));
      } catch (error) {
        if (stop.aborted || !late.aborted) throw error;
        throw new HiveError(
          "unavailable",
          `${server.address} took longer than ${LIST_MS / 60_000} minutes to list its branches: try again`,
        );
      }
    },
    send(ends) {
      const ended = new AbortController();
      const pack = Readable.from(fetchPack(server, ends, ended.signal), { objectMode: false });
      const done = Promise.withResolvers<void>();
      pack.on("error", done.reject);
      pack.once("end", done.resolve);
      // It is awaited later than it may fail.
      done.promise.catch(() => {});
      const end = (): void => {
        const error = new Error("the transfer was ended");
        ended.abort(error);
        // Nothing may read it any more, and what waits to be read would not notice the abort.
        pack.destroy(error);
      };
      return { pack, ended: done.promise, end };
    },
  };
}

/** The branches and tags of a list. Whether a tag names a commit is not known before its object is there. */
function refsOf(where: string, { refs, head }: Advertised): UpstreamRefs {
  const found: UpstreamRefs = { head, heads: new Map(), tags: new Map(), skipped: [] };
  for (const [ref, sha] of refs) {
    if (ref.startsWith(TAGS) && isTag(ref.slice(TAGS.length))) found.tags.set(ref.slice(TAGS.length), sha);
    if (ref.startsWith("refs/heads/")) addBranch(found, ref.slice("refs/heads/".length), sha);
  }
  return limited(where, found);
}
