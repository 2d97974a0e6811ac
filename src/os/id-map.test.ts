import { expect, test } from "vitest";
import { idMap, versionLacks } from "./id-map.ts";

test("the owner on disk is the agent in the mount, and only one id each is mapped", () => {
  expect(idMap({ uid: 1001, gid: 1002 }, { uid: 70001, gid: 70002 })).toBe("u:1001:70001:1 g:1002:70002:1");
});

test.each([
  "mount from util-linux 2.39 (libmount 2.39.0: selinux)",
  "mount from util-linux 2.41.5 (libmount 2.41.5: selinux, smack)",
  "mount from util-linux 2.100 (libmount 2.100.0)",
  "mount from util-linux 3.0-rc1 (libmount 3.0.0)",
])("%s maps ids", (printed) => expect(versionLacks(printed)).toBeUndefined());

test.each([
  ["mount from util-linux 2.38.1 (libmount 2.38.1: selinux, smack)", "this host has 2.38.1"],
  ["mount from util-linux 2.4 (libmount 2.4)", "this host has 2.4"],
  ["mount from util-linux 1.99 (libmount 1.99)", "this host has 1.99"],
  ["BusyBox v1.36.1 () multi-call binary.", "this host's mount is another program"],
  ["", "this host's mount is another program"],
])("%s does not, and the error says so", (printed, words) =>
  expect(versionLacks(printed)).toBe(`id-mapped mounts need the mount of util-linux 2.39 or newer, and ${words}`),
);
