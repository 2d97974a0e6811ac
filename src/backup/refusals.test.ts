import { userInfo } from "node:os";
import { expect, test } from "vitest";
import { inWords } from "./refusals.ts";

const coded = (code: string): Error => Object.assign(new Error(code), { code });
const going = new AbortController().signal;
const words = (code: string): string => (inWords(coded(code), going, "/srv/mine/b1") as Error).message;

test.each(["EACCES", "EROFS", "EPERM"])("%s names the folder, the user, and a command that makes another folder", (code) => {
  const user = userInfo().username;
  expect(words(code)).toContain(`the daemon runs as ${user}, which may not write /srv/mine/b1: `);
  expect(words(code)).toContain(`install -d -o ${user} -m 0700 /var/backups/hyperhive`);
  expect(words(code)).toContain("hivectl backup /var/backups/hyperhive/b1");
});

test("a full disk is named, and other errors are as they were", () => {
  for (const code of ["ENOSPC", "SQLITE_FULL"])
    expect(words(code)).toBe("there is no room for the backup in /srv/mine; nothing is left of it");
  const other = coded("EIO");
  expect(inWords(other, going, "/srv/mine/b1")).toBe(other);
  expect((inWords(other, AbortSignal.abort(), "/srv/mine/b1") as Error).message).toContain("given up");
});
