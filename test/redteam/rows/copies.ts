import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CHANGING, ELSEWHERE, HOSTILE } from "../outside/hostile-files.ts";
import type { Place } from "../outside/place.ts";
import { allRefused } from "../outside/requests.ts";
import { archive, type Entry } from "../outside/taken-hive.ts";
import { STEERS, terminal, verb } from "../outside/terminal.ts";
import { outsideRow, type OutsideRow } from "../row.ts";

/** `hivectl cp`: an operator copies files that a hostile agent has made, and from a hive that has been taken over. */

const REFUSED = /the archive is refused/;
const OWN = "a file of its own";
/** How often the changing folder is sent. */
const COPIES = 24;

const row = outsideRow<Place>("socket", "cp");

/** A folder of the operator, with a file of his and a folder. */
function desk({ hive }: Place): { folder: string; made(): string[] } {
  const folder = mkdtempSync(join(hive.folder, "desk-"));
  writeFileSync(join(folder, "own"), OWN);
  mkdirSync(join(folder, "kept"));
  /** What is there besides. */
  const made = (): string[] => readdirSync(folder).filter((name) => name !== "own" && name !== "kept");
  return { folder, made };
}

/** Copies from a hive that has been taken over. Resolves with what was made anywhere, and rejects with the refusal. */
const unpacked = (
  id: string,
  attempt: string,
  barrier: string,
  ...archives: ((folder: string) => Entry[])[]
): OutsideRow<Place> =>
  row(id, attempt, barrier, REFUSED, async (place) => {
    const taken = await place.takenHive();
    return allRefused(
      REFUSED,
      archives.map((entries) => async () => {
        const { folder, made } = desk(place);
        taken.send(archive([{ path: "x/", kind: "5", mode: 0o755 }, ...entries(folder)]));
        const { said } = await verb(taken.socket, ["cp", "ada:/state/x", join(folder, "target")]);
        if (made().length > 0 || readdirSync(join(folder, "kept")).length > 0) return `${made().join(", ")} made; ${said}`;
        if (readFileSync(join(folder, "own"), "utf8") !== OWN) return "the operator's own file was changed";
        throw new Error(said.trim());
      }),
    );
  });

/** Everything below a folder: what is neither a file nor a folder is named with its mode. */
function below(folder: string): { files: Map<string, string>; others: string[] } {
  const files = new Map<string, string>();
  const others: string[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path.slice(folder.length + 1), readFileSync(path, "utf8"));
    else if (!entry.isDirectory()) others.push(`${path} (${lstatSync(path).mode.toString(8)})`);
  }
  return { files, others };
}

const file = (path: string, more: Partial<Entry> = {}): Entry => ({ path, content: "evil", ...more });

export const copyRows: readonly OutsideRow<Place>[] = [
  unpacked(
    "archive-links",
    "put a link into the operator's copy, and a file through it",
    "only plain files and folders are made",
    (folder) => [{ path: "x/a", kind: "2", link: folder }],
    (folder) => [{ path: "x/a", kind: "2", link: join(folder, "kept") }, file("x/a/evil")],
    (folder) => [{ path: "x/a", kind: "1", link: join(folder, "own") }, file("x/a")],
  ),
  unpacked(
    "archive-devices",
    "put a device, a fifo and kinds that no one knows into the operator's copy",
    "only plain files and folders are made",
    ...["3", "4", "6", "7", "S", "L", "K", "g", "\0"].map((kind) => () => [{ path: "x/a", kind }]),
  ),
  unpacked(
    "archive-paths",
    "write beside the operator's copy: absolute paths, `..`, empty parts",
    "the form of a path in an archive",
    (folder) => [file(join(folder, "evil"))],
    ...["x/../../evil", "x/a/../../../evil", "../evil", "x//evil", "x/./evil", "x/..", ".."].map((path) => () => [file(path)]),
    () => [{ path: "x/../../evil/", kind: "5", mode: 0o755 }],
  ),
  unpacked("archive-modes", "make a program of another user in the operator's copy", "no set-uid bits", () => [
    file("x/a", { mode: 0o4755 }),
  ]),
  unpacked("archive-twice", "replace a file of the copy by another of its name", "every file and folder is new", () => [
    file("x/a"),
    file("x/a", { content: "other" }),
  ]),
  {
    ...row(
      "folder",
      "lead the operator's copy of a folder elsewhere by links and fifos",
      "links are never followed",
      /^$/,
      async (place) => {
        const { folder } = desk(place);
        const said = await (await place.hostileFiles()).hivectl("cp", `${HOSTILE}:/state/copied`, join(folder, "copy"));
        const { files, others } = below(join(folder, "copy"));
        if (others.length > 0) throw new Error(others.join(", "));
        if ([...files.keys()].join(" ") !== "deep/own" || files.get("deep/own")?.trim() !== OWN)
          throw new Error(`it has ${[...files.keys()].join(", ")}`);
        if (!said.includes("4 left out")) throw new Error(said);
        return said;
      },
    ),
    contained: "the copy has the folder's own files and nothing else",
  },
  row(
    "name",
    "steer the operator's terminal through what a copy names",
    "unseen characters are written out",
    /every character is visible/,
    async (place) => {
      const { folder } = desk(place);
      const files = await place.hostileFiles();
      const said = await files.hivectl("cp", `${HOSTILE}:/state/copied`, join(folder, "named"));
      const taken = await place.takenHive();
      taken.send(archive([{ path: "x/\u001b]0;evil\u0007\u202e", kind: "2" }]));
      const refused = await terminal(place.hive, ["--socket", taken.socket, "cp", "ada:/state/x", join(folder, "refused")]);
      for (const text of [said, refused]) {
        const steers = STEERS.exec(text);
        if (steers) return JSON.stringify(text.slice(Math.max(0, steers.index - 40), steers.index + 40));
        if (!text.includes("evil")) throw new Error(`it does not print the name: ${text.slice(0, 200)}`);
      }
      throw new Error("every character is visible");
    },
  ),
  row(
    "changing",
    "swap files and folders for links while the operator copies their folder",
    "each part of a path is opened in the folder before it",
    /only its own files/,
    async (place) => {
      const { folder } = desk(place);
      const files = await place.hostileFiles();
      let words = "";
      await files.whileChanging(async () => {
        // A busy machine may let the copy run while the swaps wait: then all or none of the files are swapped.
        for (let n = 0, own = 0; words === "" && (own === 0 || own === CHANGING); n++) {
          const target = join(folder, `copy${n}`);
          const said = await files.hivectl("cp", `${HOSTILE}:/state/changing`, target);
          if (!said.includes("copied to")) throw new Error(said);
          const copy = below(target);
          const foreign = [...copy.files].filter(([, text]) => text !== OWN);
          if (foreign.length > 0) words = `${foreign.length} files, such as ${foreign[0]?.join(": ") ?? ""}`;
          if (copy.others.length > 0) words = copy.others.join(", ");
          own = copy.files.size;
        }
        // What the terminal unpacks, many times: few of the copies meet a swap at the right moment.
        for (let n = 0; n < COPIES && words === ""; n++)
          if ((await files.download("/state/changing")).bytes.includes(ELSEWHERE)) words = "a file of another folder";
      });
      if (words !== "") return words;
      throw new Error("only its own files");
    },
  ),
  row(
    "target",
    "let the operator's copy be written through a link in the place of its target",
    "a copy overwrites nothing",
    /exists already/,
    async (place) => {
      await place.hostileFiles();
      const { folder, made } = desk(place);
      const links = { own: "own", none: "new", kept: "kept" };
      for (const [name, to] of Object.entries(links)) symlinkSync(join(folder, to), join(folder, `to-${name}`));
      symlinkSync(join(folder, "own"), join(folder, "kept", "shadow"));
      const names = made().length;
      return allRefused(
        /exists already/,
        (["real/shadow", "real"] as const).flatMap((from) =>
          [...Object.keys(links).map((name) => `to-${name}`), ...(from === "real" ? [] : ["kept"])].map((to) => async () => {
            const { said } = await verb(place.hive.socket, ["cp", `${HOSTILE}:/state/${from}`, join(folder, to)]);
            const text = readFileSync(join(folder, "own"), "utf8");
            if (text !== OWN || made().length > names || readdirSync(join(folder, "kept")).length > 1)
              return `${to}: ${text} ${said}`;
            throw new Error(said.trim());
          }),
        ),
      );
    },
  ),
];
