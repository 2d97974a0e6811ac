import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NIX_TEMPLATE } from "../agents/template.ts";
import type { LedgerEntry, MetaRepo } from "../config-repos/types.ts";
import type { Platform } from "./platform.ts";

const AT = 1_700_000_000_000;
const facts = (id: number, agent: string) => ({
  message: `deploy ${agent} deployed/${id} aaaaaaaaaaaa`,
  author: "operator",
  at: AT,
});

/**
 * Makes an applied repository for each of these agents. All have the same two commits, as they are before a deploy: no
 * branch has them yet. Returns an entry for each commit.
 */
export function makeApplied(
  folder: string,
  agents: readonly string[],
  files: Record<string, string> = {},
): [LedgerEntry, LedgerEntry] {
  const env = {
    PATH: process.env["PATH"],
    GIT_CONFIG_NOSYSTEM: "1",
    HOME: folder,
    ...Object.fromEntries(["AUTHOR", "COMMITTER"].map((who) => [`GIT_${who}_DATE`, `${AT / 1000} +0000`])),
  };
  const work = join(folder, "work");
  mkdirSync(work, { recursive: true });
  const git = (...argv: string[]): string => execFileSync("git", ["-C", work, ...argv], { encoding: "utf8", env }).trim();
  git("init", "-q", "-b", "work");
  const commit = (agentJson: string): LedgerEntry => {
    const tree = { "agent.json": agentJson, ...NIX_TEMPLATE, ...files };
    for (const [name, text] of Object.entries(tree)) writeFileSync(join(work, name), text);
    git("add", ".");
    git("-c", "user.name=hm1nd", "-c", "user.email=hm1nd@hive.invalid", "commit", "-q", "-m", "config");
    return { rev: git("rev-parse", "HEAD"), tree: git("rev-parse", "HEAD^{tree}"), hyperhive: "r1" };
  };
  const entries: [LedgerEntry, LedgerEntry] = [commit("{}\n"), commit(`{ "model": "haiku" }\n`)];
  for (const agent of agents) {
    git("clone", "-q", "--bare", ".", join(folder, `${agent}.git`));
    git("-C", join(folder, `${agent}.git`), "update-ref", "-d", "refs/heads/work");
    git("-C", join(folder, `${agent}.git`), "update-ref", "refs/tags/proposal/1", entries[1].rev);
    git("-C", join(folder, `${agent}.git`), "symbolic-ref", "HEAD", "refs/heads/main");
  }
  rmSync(work, { recursive: true });
  return entries;
}

/** The contract of a deploy ledger (`MetaRepo`), for every platform. */
export function ledgerConformance(name: string, open: Platform["ledger"]): void {
  describe(`the deploy ledger of ${name}`, () => {
    let top: string;
    let ledger: MetaRepo;
    let entry: LedgerEntry;
    let other: LedgerEntry;
    const folder = (): string => join(top, "meta");
    const scratch = (): string => join(top, "scratch");
    const paths = () => ({ meta: folder(), applied: join(top, "applied"), scratch: scratch() });
    const git = (...argv: string[]): string => execFileSync("git", ["-C", folder(), ...argv], { encoding: "utf8" }).trim();
    beforeEach(async () => {
      top = mkdtempSync(join(tmpdir(), "ledger-"));
      mkdirSync(scratch());
      [entry, other] = makeApplied(paths().applied, ["anna", "ben", "coder"]);
      ledger = open(paths());
      await ledger.ensure();
    });
    afterEach(() => rmSync(top, { recursive: true, force: true }));

    test("begins empty, and is created once", async () => {
      expect([await ledger.head(), await ledger.ledger(undefined), await ledger.log(10)]).toEqual([undefined, {}, []]);
      const one = await ledger.candidate(undefined, "coder", entry, facts(1, "coder"));
      await ledger.publish(one, undefined);
      await ledger.ensure();
      expect(await ledger.head()).toBe(one);
      expect(readdirSync(scratch())).toEqual([]);
    });

    test("a candidate changes one entry, moves nothing, and the same facts give the same commit", async () => {
      const one = await ledger.candidate(undefined, "coder", entry, facts(1, "coder"));
      expect(await ledger.candidate(undefined, "coder", entry, facts(1, "coder"))).toBe(one);
      expect([await ledger.head(), await ledger.contains(one)]).toEqual([undefined, false]);
      await ledger.publish(one, undefined);
      const two = await ledger.candidate(one, "anna", other, facts(2, "anna"));
      expect(await ledger.ledger(two)).toEqual({ anna: other, coder: entry });
      // As stored, in the order of the names: equal entries are equal bytes.
      expect(Object.keys(await open(paths()).ledger(two))).toEqual(["anna", "coder"]);
      const three = await ledger.candidate(two, "coder", undefined, facts(3, "coder"));
      expect(await ledger.ledger(three)).toEqual({ anna: other });
      expect(await ledger.ledger(one)).toEqual({ coder: entry });
    });

    test("of two candidates on one head one is published; publishing again what is published changes nothing", async () => {
      const one = await ledger.candidate(undefined, "coder", entry, facts(1, "coder"));
      expect(await ledger.publish(one, undefined)).toEqual({ ok: true });
      expect(await ledger.publish(one, undefined)).toEqual({ ok: true });
      const two = await ledger.candidate(one, "anna", other, facts(2, "anna"));
      const rival = await ledger.candidate(one, "ben", entry, facts(3, "ben"));
      const answers = await Promise.all([ledger.publish(two, one), ledger.publish(rival, one)]);
      expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
      const [won, lost] = answers[0].ok ? [two, rival] : [rival, two];
      expect(await Promise.all([one, won, lost, "d".repeat(40)].map((sha) => ledger.contains(sha)))).toEqual([
        true,
        true,
        false,
        false,
      ]);
      expect((await ledger.log(10)).map(({ sha, at }) => [sha, at])).toEqual([
        [won, AT],
        [one, AT],
      ]);
      expect((await ledger.log(1))[0]?.subject).toMatch(/^deploy (?:anna|ben) deployed\/[23] a{12}$/);
    });

    test("what was published is read by the next daemon, whatever a killed one has left", async () => {
      const one = await ledger.candidate(undefined, "coder", entry, facts(1, "coder"));
      await ledger.publish(one, undefined);
      // A candidate that nothing names, and files of a copy that was interrupted.
      await ledger.candidate(one, "ben", entry, facts(2, "ben"));
      writeFileSync(join(folder(), ".git", "index.new"), "half");
      const again = open(paths());
      await again.ensure();
      expect(await again.ledger(await again.head())).toEqual({ coder: entry });
      expect(await again.contains(one)).toBe(true);
    });

    test("readers find an ordinary repository with a checkout, which the daemon repairs and never reads", async () => {
      const one = await ledger.candidate(undefined, "coder", entry, facts(1, "coder"));
      await ledger.publish(one, undefined);
      await ledger.refreshCheckout();
      expect(git("log", "--format=%H %s")).toBe(`${one} deploy coder deployed/1 aaaaaaaaaaaa`);
      expect(git("status", "--short")).toBe("");
      const files = git("ls-files").split("\n");
      for (const file of files) writeFileSync(join(folder(), file), "{}");
      writeFileSync(join(folder(), ".git", "index"), "nonsense");
      writeFileSync(join(folder(), "older.nix"), "of a ledger before");
      const again = open(paths());
      expect(await again.ledger(await again.head())).toEqual({ coder: entry });
      await again.ensure();
      expect(git("status", "--short")).toBe("");
      expect(git("fsck", "--strict", "--no-dangling")).toBe("");
      expect(files.every((file) => existsSync(join(folder(), file)))).toBe(true);
    });
  });
}
