import type { ChangeRecord, CommentRecord } from "../store/changes.ts";
import type { Sha } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import type { Parsed } from "../wire/operations.ts";
import { MAX_COMMENTS, MAX_COMMENTS_BYTES, MAX_QUOTE_CHARS } from "../wire/work.ts";
import type { FileChange } from "../os/git/diff.ts";
import type { ChangeStore } from "./change-store.ts";
import { placeIn } from "./comment-places.ts";
import { diffOf } from "./diff.ts";
import type { Repositories } from "./repositories.ts";
import type { WorkContext } from "./work-context.ts";

type Place = Pick<Parsed<"change_comment">, "path" | "line" | "side" | "quote">;

/** Time for reading the file of a comment. Bytes of it: a longer file is not searched. Milliseconds. */
const READ_MS = 10_000;
const READ_BYTES = 8 * 1024 * 1024;

/** Comments on changes: drafts of the operator, and what was sent. */
export class Comments {
  readonly #context: WorkContext;
  readonly #changeStore: ChangeStore;
  readonly #repositories: Pick<Repositories, "tip">;

  constructor(context: WorkContext, changeStore: ChangeStore, repositories: Pick<Repositories, "tip">) {
    this.#context = context;
    this.#changeStore = changeStore;
    this.#repositories = repositories;
  }

  /** Keeps a draft of an operator. All operators see it, and it goes out with the next return. */
  async draft(id: number, given: Place, text: string, by: string): Promise<CommentRecord> {
    const seen = this.#changeStore.get(id);
    const [place = {}] = await this.placed(seen, [given]);
    return this.#context.store.write((tx) => {
      const row = this.#changeStore.get(id);
      checkSame(row, seen.sha);
      const comment = this.add(row, by, "draft", place, text);
      this.#changeStore.note(tx, id, {});
      return comment;
    });
  }

  /**
   * The places of comments on a change, each with its line as the diff has it. Throws `bad_request` for a line that no
   * diff of the change shows: against the merge base, the tip of the base, or the commit that was last decided on.
   */
  async placed(row: ChangeRecord, places: readonly Place[]): Promise<Place[]> {
    const diffs: (readonly FileChange[])[] = [];
    const from = [row.merge_base, this.#repositories.tip(row.repo, row.base), row.reviewed_sha];
    const starts = [...new Set(from.map((sha) => sha ?? row.merge_base ?? undefined))];
    const found: Place[] = [];
    for (const place of places) {
      const { path, line, side = "new" } = place;
      if ((path === undefined) !== (line === undefined))
        throw new HiveError("bad_request", "a comment on a line names path, line and side; one on the whole change none of them");
      if (path === undefined || line === undefined) {
        found.push({});
        continue;
      }
      for (;;) {
        // Most lines are in the first diff, so the others are rarely read.
        const start = starts[diffs.length];
        try {
          found.push(placeIn(diffs, { path, line, side }));
          break;
        } catch (error) {
          if (diffs.length === starts.length) throw error;
          diffs.push((await diffOf(this.#context.git, row.repo, start, row.sha)).files);
        }
      }
    }
    return found;
  }

  /** Adds a comment at a place that `placed` has found. Only inside a write. */
  add(row: ChangeRecord, author: string, state: CommentRecord["state"], place: Place, text: string): CommentRecord {
    const { store, now } = this.#context;
    if (store.changes.commentsSize(row.id).count >= MAX_COMMENTS)
      throw new HiveError("rate_limited", `change ${row.id} has ${MAX_COMMENTS} comments already`);
    const comment: CommentRecord = {
      id: store.nextSeq(),
      change: row.id,
      round: row.round,
      author,
      path: place.path ?? null,
      line: place.line ?? null,
      side: place.path === undefined ? null : (place.side ?? "new"),
      quote: place.quote ?? null,
      text,
      state,
      outdated: 0,
      answer: null,
      at: now(),
    };
    store.changes.putComment(comment);
    this.checkRoom(row.id);
    return comment;
  }

  /** Throws if the comments of a change have too much text. Inside the write that has added to them. */
  checkRoom(id: number): void {
    if (this.#context.store.changes.commentsSize(id).bytes > MAX_COMMENTS_BYTES)
      throw new HiveError("rate_limited", `the comments of change ${id} have at most ${MAX_COMMENTS_BYTES} bytes together`);
  }

  /** Removes a draft. */
  async drop(id: number): Promise<void> {
    await this.#context.store.write((tx) => {
      const comment = this.#get(id);
      if (comment.state !== "draft") throw new HiveError("conflict", `comment ${id} is sent: resolve it instead`);
      this.#context.store.changes.removeComment(id);
      this.#changeStore.note(tx, comment.change, {});
    });
  }

  async resolve(id: number, resolved: boolean): Promise<CommentRecord> {
    return this.#context.store.write((tx) => {
      const comment = this.#get(id);
      if (comment.state === "draft") throw new HiveError("conflict", `comment ${id} is a draft: it is not sent yet`);
      const next = { ...comment, state: resolved ? ("resolved" as const) : ("open" as const) };
      this.#context.store.changes.putComment(next);
      this.#changeStore.note(tx, comment.change, {});
      return next;
    });
  }

  /** Makes all drafts of a change part of what its owner gets. Only inside a write. */
  send(id: number): number {
    const { changes } = this.#context.store;
    const drafts = changes.comments(id).filter(({ state }) => state === "draft");
    for (const draft of drafts) changes.putComment({ ...draft, state: "open" });
    return drafts.length;
  }

  /** Which comments of a change are about a line that another commit does not have as it was, by their ids. A quote has
   * the beginning of a long line. */
  async outdatedIn(row: ChangeRecord, sha: Sha): Promise<ReadonlyMap<number, boolean>> {
    const placed = this.#context.store.changes.comments(row.id).filter(({ path, side }) => path !== null && side === "new");
    const paths = [...new Set(placed.flatMap(({ path }) => path ?? []))];
    const lines = new Map(
      await Promise.all(paths.map(async (path) => [path, await this.#linesOf(row.repo, sha, path)] as const)),
    );
    return new Map(
      placed.map(({ id, path, line, quote }) => [
        id,
        lines.get(path ?? "")?.[(line ?? 0) - 1]?.slice(0, MAX_QUOTE_CHARS) !== quote,
      ]),
    );
  }

  /** Stores what `outdatedIn` has found. Only inside a write. */
  markOutdated(found: ReadonlyMap<number, boolean>): void {
    const { changes } = this.#context.store;
    for (const [id, isOutdated] of found) {
      const comment = changes.comment(id);
      if (comment) changes.putComment({ ...comment, outdated: isOutdated ? 1 : 0 });
    }
  }

  async #linesOf(repo: string, sha: Sha, path: string): Promise<string[]> {
    const { git } = this.#context;
    const ended = await git.tryRead(repo, ["cat-file", "blob", `${sha}:${path}`], {
      maxBytes: READ_BYTES,
      timeoutMs: READ_MS,
    });
    return ended.code === 0 && !ended.tooMuch ? ended.stdout.toString("utf8").split("\n") : [];
  }

  #get(id: number): CommentRecord {
    const comment = this.#context.store.changes.comment(id);
    if (!comment) throw new HiveError("not_found", `there is no comment ${id}`);
    return comment;
  }
}

/** Throws if a change has a new commit since its diff was read. */
export function checkSame(row: ChangeRecord, sha: Sha): void {
  if (row.sha !== sha)
    throw new HiveError("conflict", `change ${row.id} proposes ${row.sha} now, not ${sha}: look at that commit`);
}
