import { expect, test } from "vitest";
import { attachedOf, MAX_ATTACHED, withAttached } from "./attached.ts";

test("what a message is given is read from it", () => {
  const paths = ["/state/inbox/20261130-1019-ab12-shot.png", "/state/inbox/b.txt"];
  expect(attachedOf(withAttached("look at this", paths))).toEqual(paths);
  expect(withAttached("", paths)).toBe(paths.map((path) => `[file] ${path}`).join("\n"));
  expect(withAttached("hello", [])).toBe("hello");
});

test("only the last lines name files, only of the inbox, and only so many", () => {
  expect(attachedOf("[file] /state/inbox/a.png\nand text")).toEqual([]);
  expect(attachedOf("[file] /state/inbox/../secret")).toEqual([]);
  expect(attachedOf("[file] /state/inbox/.hidden")).toEqual([]);
  expect(attachedOf("[file] /etc/shadow")).toEqual([]);
  expect(
    attachedOf(
      withAttached(
        "x",
        Array.from({ length: 30 }, (_, nth) => `/state/inbox/${nth}`),
      ),
    ),
  ).toHaveLength(MAX_ATTACHED);
});
