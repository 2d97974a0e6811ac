import type { Agent } from "../agents/agent.ts";
import { hivectl } from "../lib/hivectl.ts";
import type { IncludeRecord } from "../store/include-files.ts";
import { HiveError } from "../wire/error.ts";
import { MAX_INCLUDE_BYTES, MAX_INCLUDE_FILES, type IncludedFile, type IncludeView } from "../wire/include.ts";
import { instant } from "../wire/instant.ts";
import type { Repositories } from "./repositories.ts";
import { accessOf, type WorkContext } from "./work-context.ts";

/** The operator's files that are copied into each fresh workspace of a repository. They are in no commit. */
export class IncludeFiles {
  readonly #context: Pick<WorkContext, "store" | "now">;
  readonly #repositories: Pick<Repositories, "get">;

  constructor(context: Pick<WorkContext, "store" | "now">, repositories: Pick<Repositories, "get">) {
    this.#context = context;
    this.#repositories = repositories;
  }

  list(repo: string): IncludeView[] {
    return this.#context.store.includes.of(this.#repositories.get(repo).name).map(view);
  }

  /** Stores a file, or replaces the one at its path. The audit trail names it, without its content. */
  async put(repo: string, { path, content, executable }: IncludedFile, by: string): Promise<IncludeView> {
    const { store, now } = this.#context;
    const bytes = Buffer.from(content, "base64");
    if (bytes.length > MAX_INCLUDE_BYTES)
      throw new HiveError("bad_request", `${path} has ${bytes.length} bytes: an included file has at most ${MAX_INCLUDE_BYTES}`);
    const { name } = this.#repositories.get(repo);
    const row = { repo: name, path, bytes: bytes.length, executable: executable ? 1 : 0, added_at: now() };
    await store.write(() => {
      const others = store.includes.of(name).filter((one) => one.path !== path);
      if (others.length >= MAX_INCLUDE_FILES)
        throw new HiveError("conflict", `${name} has ${MAX_INCLUDE_FILES} included files, which is the most: remove one first`);
      const inTheWay = others.find((one) => one.path.startsWith(`${path}/`) || path.startsWith(`${one.path}/`));
      if (inTheWay)
        throw new HiveError("conflict", `${path} and the included file ${inTheWay.path} cannot both be there: one is a folder`);
      if (!store.includes.put({ ...row, content: bytes }))
        throw new HiveError("not_found", `there is no repository ${name} any more`);
      this.#audit("include_added", by, { repo: name, path, bytes: row.bytes });
    });
    return view(row);
  }

  async remove(repo: string, path: string, by: string): Promise<void> {
    const { store } = this.#context;
    const { name } = this.#repositories.get(repo);
    await store.write(() => {
      if (!store.includes.remove(name, path))
        throw new HiveError(
          "not_found",
          `${name} has no included file ${path}: ${hivectl(`repo include ${name} --list`)} lists them`,
        );
      this.#audit("include_removed", by, { repo: name, path });
    });
  }

  /** The file that follows the given path, for a workspace of an agent that has the repository. */
  next(agent: Agent, repo: string, after = ""): IncludedFile | undefined {
    if (accessOf(agent, repo) === undefined) throw new HiveError("forbidden", `${agent.name} has no repository ${repo}`);
    const row = this.#context.store.includes.next(repo, after);
    return row && { path: row.path, content: row.content.toString("base64"), executable: row.executable !== 0 };
  }

  #audit(kind: string, actor: string, detail: object): void {
    const { store, now } = this.#context;
    store.ledger.audit(store.nextSeq(), { at: now(), actor, kind, detail });
  }
}

function view({ path, bytes, executable, added_at: addedAt }: IncludeRecord): IncludeView {
  return { path, bytes, executable: executable !== 0, added_at: instant(addedAt) };
}
