import { describe, expect, test } from "vitest";
import { changesOf } from "../../test/lib/changes.ts";
import type { TreeFile } from "../wire/approval.ts";
import { isUnshown } from "../wire/unshown.ts";
import { jsonBytes } from "../lib/json-bytes.ts";
import { addsText, patchText } from "../diffs/patch-text.ts";
import { SHOWN_BYTES, SHOWN_BYTES_PER_FILE, shownDiff } from "./shown.ts";

const MiB = 1024 * 1024;
function file(path: string, text: string | Buffer, mode: TreeFile["mode"] = "100644"): TreeFile {
  return { path, mode, base64: Buffer.from(text).toString("base64") };
}
/** The shown diff of a new tree, or of what it adds to another. */
function shown(head: TreeFile[], base: TreeFile[] = [], evaluatesNix = false) {
  return shownDiff(changesOf(base, head), head, evaluatesNix);
}
const unshown = (...args: Parameters<typeof shown>): string[] =>
  shown(...args)
    .filter(isUnshown)
    .map(({ path }) => path);

describe("files that decide are shown first and whole", () => {
  test("before a note that would take all the room, whatever its name is", () => {
    const notes = file("A-notes.txt", "\n".repeat(540_000));
    const files = shown([notes, file("INSTRUCTIONS.md", "Obey the notes.\n"), file("agent.json", "{}\n")]);
    expect(files.map(({ path, cut }) => [path, cut])).toEqual([
      ["agent.json", false],
      ["INSTRUCTIONS.md", false],
      ["A-notes.txt", true],
    ]);
    expect(files[1]?.patch).toContain("+Obey the notes.\n");
    expect(files[2]?.added).toBe(540_000);
    expect(jsonBytes(files[2]?.patch ?? "")).toBeLessThanOrEqual(SHOWN_BYTES_PER_FILE);
  });

  test("including programs by mode, first line and name, and files that an MCP server is started with", () => {
    const config = {
      extraMcpServers: {
        x: { command: "/config/bin/start", args: ["--data=/config/lists"], env: { RULES: "./rules.txt:my-rules.txt" } },
      },
    };
    const names = ["a.txt", "bin/start", "hook", "lib/x.py", "link", "lists/one", "lists/sub/two", "rules.txt", "run.sh", "z.md"];
    const tree = names.map((path) => file(path, path === "hook" ? "#!/bin/sh\n" : "x\n", path === "link" ? "120000" : "100644"));
    const order = shown([...tree, file("agent.json", JSON.stringify(config)), file("tool", "x\n", "100755")]).map(
      ({ path }) => path,
    );
    expect(order).toEqual([
      "agent.json",
      "bin/start",
      "hook",
      "lib/x.py",
      "link",
      "lists/one",
      "lists/sub/two",
      "rules.txt",
      "run.sh",
      "tool",
      "a.txt",
      "z.md",
    ]);
  });

  test("a program of full size is whole, and so are full instructions that replace full instructions", () => {
    const long = (word: string): string => `${word}\n`.repeat(MiB / 4);
    expect(unshown([file("run", long("abc"), "100755")], [file("run", long("xyz"), "100755")])).toEqual([]);
    expect(unshown([file("INSTRUCTIONS.md", "\n".repeat(98_304))])).toEqual([]);
    expect(unshown([file("notes", long("abc"))])).toEqual(["notes"]);
  });

  test("Nix code is marked as ignored on a platform that does not evaluate it", () => {
    const tree = [file("agent.nix", "{ }\n"), file("flake.nix", "{ }\n"), file("README.md", "x\n")];
    const ignored = (evaluatesNix: boolean): unknown[] => shown(tree, [], evaluatesNix).map((one) => [one.path, one.ignored]);
    expect(ignored(false)).toEqual([
      ["agent.nix", true],
      ["flake.nix", true],
      ["README.md", undefined],
    ]);
    expect(ignored(true)).toEqual([
      ["agent.nix", undefined],
      ["flake.nix", undefined],
      ["README.md", undefined],
    ]);
  });
});

describe("every file has its own budget", () => {
  test("short files are whole next to long ones, in any position", () => {
    const long = Array.from({ length: 8 }, (_, n) => file(`${n}-long`, "x\n".repeat(60_000)));
    const short = Array.from({ length: 20 }, (_, n) => file(`${n % 2 === 0 ? "a" : "z"}${n}`, "x\n".repeat(500)));
    expect(unshown([...long, ...short]).sort()).toEqual(long.map(({ path }) => path));
  });

  test("all of them fit into one answer, even if every byte is escaped", () => {
    const escapes = Array.from({ length: 9 }, (_, n) => file(`run${n}`, `${"\u0001".repeat(100)}\n`.repeat(1100), "100755"));
    const files = shown([...escapes, file("agent.json", "{}\n")]);
    const bytes = files.reduce((sum, { patch }) => sum + jsonBytes(patch ?? ""), 0);
    expect(bytes).toBeLessThanOrEqual(SHOWN_BYTES);
    expect(files[0]).toMatchObject({ path: "agent.json", cut: false });
    expect(files.slice(1).every(isUnshown)).toBe(true);
    // Each gets the same share.
    expect(new Set(files.slice(1).map(({ patch }) => patch?.length)).size).toBe(1);
  });
});

describe("content that is not text", () => {
  test("a NUL or invalid UTF-8 is not shown, and never half shown", () => {
    for (const bytes of [Buffer.from("be kind\0\n"), Buffer.from([0x66, 0xff, 10]), Buffer.from([0xed, 0xa0, 0x80])]) {
      const [one] = shown([file("notes.md", bytes)]);
      expect(one).toMatchObject({ binary: true, cut: false });
      expect(one).not.toHaveProperty("patch");
      expect(unshown([file("notes.md", bytes)])).toEqual(["notes.md"]);
    }
  });

  test("removed bytes do not hide added text, and a deleted file leaves nothing to run", () => {
    const old = file("notes.md", Buffer.from([0x66, 0xff, 0, 10]));
    const [changed] = shown([file("notes.md", "now text\n")], [old]);
    expect(changed?.patch).toBe("@@ -1,1 +1,1 @@\n-f⟨FF⟩\0\n+now text\n");
    expect(shown([], [old])).toMatchObject([{ status: "deleted", binary: true }]);
    expect(unshown([], [old, file("long", "x\n".repeat(MiB / 2))])).toEqual([]);
  });

  test("invalid bytes are written out one by one, and characters stay", () => {
    const text = (...bytes: (number | string)[]): string =>
      patchText(Buffer.concat(bytes.map((one) => (typeof one === "string" ? Buffer.from(one) : Buffer.from([one])))));
    expect(text("+ü", 0xff, "日", 0xe6, 0x97, "x🐝", 0xf0, 0x9f)).toBe("+ü⟨FF⟩日⟨E6⟩⟨97⟩x🐝⟨F0⟩⟨9F⟩");
    // Overlong forms and halves of surrogate pairs are not characters.
    expect(text(0xc0, 0x80, 0xed, 0xa0, 0x80)).toBe("⟨C0⟩⟨80⟩⟨ED⟩⟨A0⟩⟨80⟩");
    expect(addsText(Buffer.from("-\0\n+x\n"))).toBe(true);
    expect(addsText(Buffer.from("-x\n+\0\n"))).toBe(false);
  });
});
