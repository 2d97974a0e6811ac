import { constants } from "node:os";
import { expect, test } from "vitest";
import { isNoRoom } from "./no-room.ts";

test.each([
  ["a full disk", { code: "ENOSPC", errno: -constants.errno.ENOSPC }, true],
  ["a share that is used up, which Node has no name for", { code: "UNKNOWN", errno: -constants.errno.EDQUOT }, true],
  ["a broken disk", { code: "EIO", errno: -constants.errno.EIO }, false],
  ["another failure without a name", { code: "UNKNOWN", errno: -constants.errno.ESTALE }, false],
])("%s", (_, facts, is) => {
  expect(isNoRoom(Object.assign(new Error("failed"), facts))).toBe(is);
});

test.each([undefined, null, "full"])("%s is no error of the system", (error) => expect(isNoRoom(error)).toBe(false));
