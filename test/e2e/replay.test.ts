import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { git } from "../campaigns/replay/git.ts";
import { BASE, readHistory, REAL } from "../campaigns/replay/history.ts";
import { replay } from "../campaigns/replay/replay.ts";

/** The short form of `npm run replay`. */

const ROOT = join(import.meta.dirname, "../..");
/** Commits of this project's own history. */
const OWN = 12;
/** Commits that the test makes before them. */
const MADE = 5;

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "replay-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Two commits of which the second conflicts without the first, whatever the project's own commits do. */
function conflicting(clone: string): void {
  for (const lines of ["one\n", "one\ntwo\n"]) {
    writeFileSync(join(clone, "kept-list"), lines);
    git(clone, ["add", "-A"]);
    git(clone, ["commit", "-q", "-m", `Add to a list: ${lines.length}`]);
  }
}

/** Commits that add entries of every kind, change them, and rename and delete some. */
function everyKind(clone: string): void {
  const at = (name: string): string => join(clone, "kinds", name);
  const commit = (message: string, submodule: string): void => {
    git(clone, ["add", "-A"]);
    // git add takes it for deleted, because it has no folder.
    git(clone, ["update-index", "--add", "--cacheinfo", `160000,${submodule.repeat(40)},kinds/module`]);
    git(clone, ["commit", "-q", "-m", message]);
  };
  mkdirSync(at(""), { recursive: true });
  writeFileSync(at(".gitattributes"), "*.txt text eol=crlf\n");
  writeFileSync(at("binary"), Buffer.from([0, 1, 2, 255]));
  writeFileSync(at("crlf.txt"), "one\r\ntwo\r\n");
  writeFileSync(at("old name \u00fc"), "a file\nwith lines\nthat is renamed\n");
  writeFileSync(at("run"), "#!/bin/sh\n");
  writeFileSync(at("gone"), "not for long\n");
  writeFileSync(at("becomes-link"), "a file\n");
  symlinkSync("gone", at("link"));
  commit("Add entries of every kind", "1");
  writeFileSync(at("binary"), Buffer.from([0, 1, 3, 255]));
  writeFileSync(at("crlf.txt"), "one\r\nthree\r\n");
  chmodSync(at("run"), 0o755);
  for (const name of ["becomes-link", "link"]) unlinkSync(at(name));
  symlinkSync("run", at("becomes-link"));
  symlinkSync("binary", at("link"));
  commit("Change entries of every kind", "2");
  renameSync(at("old name \u00fc"), at("new name"));
  unlinkSync(at("gone"));
  commit("Rename a file and delete one", "2");
}

test("agents apply this project's own commits, and entries of every kind, until the files are the real ones", async () => {
  const own = readHistory(ROOT, { commits: OWN }, join(folder, "own.git"));
  const clone = join(folder, "clone");
  git(folder, ["clone", "-q", own.folder, clone]);
  conflicting(clone);
  everyKind(clone);
  git(clone, ["cherry-pick", "--allow-empty", `origin/${BASE}..origin/${REAL}`]);

  const counts = await replay(clone, {
    commits: OWN + MADE,
    agents: 3,
  });
  expect(counts).toMatchObject({ differing: [], findings: [], trees_equal: true, merges_equal: true, order_equal: true });
  expect(counts.merged + counts.empty).toBe(OWN + MADE);
  expect(counts.picks_refused).toBeGreaterThan(0);
  expect(counts.solved).toBeGreaterThan(0);
});
