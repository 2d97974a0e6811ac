import { describe, expect, test } from "vitest";
import { readTyped } from "../agent/slash.ts";
import { addressed } from "./addressed.ts";
import { age, clock, count, duration, moment, parts, visible, visiblePieces } from "./text.ts";

describe("visible", () => {
  test("shows characters that would steer, reorder or hide", () => {
    expect(visible("a\u001B[31mb")).toBe("a␛[31mb");
    expect(visible("a\u202Eb")).toBe("a⟨U+202E⟩b");
    expect(visible("a\u200Bb\uFEFF")).toBe("a⟨U+200B⟩b⟨U+FEFF⟩");
    expect(visible("a\u{E0041}\u00AD\u2066\u3164b")).toBe("a⟨U+E0041⟩⟨U+00AD⟩⟨U+2066⟩⟨U+3164⟩b");
    expect(visiblePieces("x\u202Ey\r")).toEqual([
      { text: "x", wasHidden: false },
      { text: "⟨U+202E⟩", wasHidden: true },
      { text: "y", wasHidden: false },
      { text: "␍", wasHidden: true },
    ]);
    expect(visible("line\n\ttab")).toBe("line\n\ttab");
    expect(visible("grüße 日本語 🐝")).toBe("grüße 日本語 🐝");
  });
});

describe("links", () => {
  test("only http and https, without the punctuation of the sentence", () => {
    expect(parts("see https://example.org/a?b=1, or (http://x.test).")).toEqual([
      { text: "see " },
      { text: "https://example.org/a?b=1", href: "https://example.org/a?b=1" },
      { text: ", or (" },
      { text: "http://x.test", href: "http://x.test" },
      { text: ")." },
    ]);
    for (const text of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "vbscript:x"])
      expect(parts(text)).toEqual([{ text }]);
  });
});

test("figures in plain words", () => {
  expect([duration(412), duration(14_000), duration(72_000), duration(7_500_000), duration(100 * 3600_000)]).toEqual([
    "412ms",
    "14s",
    "1m 12s",
    "2h 5m",
    "4d 4h",
  ]);
  expect([age(59_000), age(61_000), age(7200_000), age(3 * 86_400_000)]).toEqual(["59s", "1m", "2h", "3d"]);
  expect([count(847), count(18_240), count(1_240_000)]).toEqual(["847", "18.2 k", "1.24 M"]);
});

describe("typed text", () => {
  test("@name at the beginning chooses the recipient; elsewhere it is text", () => {
    expect(addressed("@scout hello there", "hm1nd")).toEqual({ to: "scout", body: "hello there" });
    expect(addressed("ask @scout", "hm1nd")).toEqual({ to: "hm1nd", body: "ask @scout" });
    expect(addressed("@scout", "hm1nd")).toEqual({ to: "scout", body: "" });
    expect(addressed("@* all of you\nplease", "hm1nd")).toEqual({ to: "*", body: "all of you\nplease" });
  });

  test("slash commands are known, unknown, or no commands at all", () => {
    expect(readTyped("/model opus")).toEqual({ kind: "command", name: "model", argument: "opus" });
    expect(readTyped("/new-session")).toEqual({ kind: "command", name: "new-session", argument: "" });
    expect(readTyped("/frobnicate x")).toEqual({ kind: "unknown", name: "frobnicate" });
    expect(readTyped("/state/notes.md is old")).toEqual({ kind: "message", body: "/state/notes.md is old" });
    expect(readTyped("/constructor")).toEqual({ kind: "unknown", name: "constructor" });
  });
});

test("times are local: without the day if it is today, complete in the tooltip of an age", () => {
  const at = new Date(2026, 10, 5, 7, 3, 9);
  expect(clock(at.toISOString(), new Date(2026, 10, 5, 23))).toBe("07:03:09");
  expect(clock(at.toISOString(), new Date(2026, 10, 6))).toBe("5 Nov 07:03");
  expect(moment(at.toISOString())).toBe("2026-11-05 07:03:09");
});
