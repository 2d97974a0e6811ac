import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withAttached } from "../wire/attached.ts";
import { MAX_PICTURE_BYTES } from "../wire/file-limits.ts";
import { picturesOf } from "./pictures.ts";

const PNG = Buffer.from("89504e470d0a1a0a", "hex");
let root: string;
let inbox: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pictures-"));
  inbox = join(root, "state/inbox");
  mkdirSync(inbox, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const picturesIn = (names: string[], from = "operator") =>
  picturesOf(
    {
      from,
      body: withAttached(
        "look",
        names.map((name) => `/state/inbox/${name}`),
      ),
    },
    root,
  );

test("the pictures of an operator's message are read, whatever their names; other files are only named", async () => {
  writeFileSync(join(inbox, "a.txt"), PNG);
  writeFileSync(join(inbox, "b.png"), "no picture");
  expect(await picturesIn(["a.txt", "b.png", "gone.png"])).toEqual([{ type: "image/png", base64: PNG.toString("base64") }]);
  // An agent chooses no picture for another one.
  expect(await picturesIn(["a.txt"], "ada")).toEqual([]);
});

test("what the agent has put in place of a file is not read: a link, a fifo, a folder, a file that is too large", async () => {
  writeFileSync(join(root, "secret"), PNG);
  symlinkSync("../../secret", join(inbox, "link"));
  execFileSync("mkfifo", [join(inbox, "fifo")]);
  mkdirSync(join(inbox, "folder"));
  writeFileSync(join(inbox, "large"), Buffer.concat([PNG, Buffer.alloc(MAX_PICTURE_BYTES)]));
  expect(await picturesIn(["link", "fifo", "folder", "large"])).toEqual([]);
});

test("the pictures of one message fit into a request to the model", async () => {
  const bytes = Buffer.concat([PNG, Buffer.alloc(MAX_PICTURE_BYTES - PNG.length)]);
  for (const name of ["a", "b", "c"]) writeFileSync(join(inbox, name), bytes);
  expect(await picturesIn(["a", "b", "c"])).toHaveLength(2);
});
