import { userInfo } from "node:os";
import { expect, test } from "vitest";
import { cannotMake, inWords } from "./refusals.ts";

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

test("a place where no folder can be made is named", () => {
  for (const code of ["ENOENT", "ENOTDIR"])
    expect(() => cannotMake("/proc/b1", coded(code))).toThrow("no folder can be made in /proc: name another place");
  expect(() => cannotMake("/srv/mine/b1", coded("EACCES"))).toThrow(/^EACCES$/);
});
