import { describe, expect, test } from "vitest";
import { piecesOf, unseenKind, writtenOut } from "./unseen.ts";

describe("unseen characters", () => {
  test("include everything that Unicode ignores by default and what fonts draw empty", () => {
    const missing: string[] = [];
    // Arabic and Kaithi number signs: format characters that are visible.
    const drawn = /[\u0600-\u0605\u06DD\u070F\u0890\u0891\u08E2\u{110BD}\u{110CD}\t\n\r ]/u;
    const unseen = /[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{White_Space}]/u;
    for (let point = 0; point <= 0x10ffff; point++) {
      const character = String.fromCodePoint(point);
      if (unseen.test(character) && !drawn.test(character) && unseenKind(character) === undefined)
        missing.push(point.toString(16));
    }
    expect(missing).toEqual([]);
  });

  test.each([
    ["tag characters", "a\u{E0041}b", "a⟨U+E0041⟩b"],
    ["a soft hyphen", "a\u00ADb", "a⟨U+00AD⟩b"],
    ["a Hangul filler", "a\u3164b", "a⟨U+3164⟩b"],
    ["an empty Braille cell", "a\u2800b", "a⟨U+2800⟩b"],
    ["blanks that are not a space", "a\u00A0b\u2003\u202F\u3000c", "a⟨U+00A0⟩b⟨U+2003⟩⟨U+202F⟩⟨U+3000⟩c"],
    ["line separators", "a\u2028b\u2029", "a⟨U+2028⟩b⟨U+2029⟩"],
    ["a vowel separator", "a\u180Eb", "a⟨U+180E⟩b"],
    ["a grapheme joiner", "a\u034Fb", "a⟨U+034F⟩b"],
    ["direction overrides", "a\u202Eb\u2066", "a⟨U+202E⟩b⟨U+2066⟩"],
    ["escapes, bells and zeros", "\u001B[2J\u0007\u0000", "␛[2J␇␀"],
    ["a lone surrogate", "a\uD800b", "a⟨U+D800⟩b"],
    ["a carriage return inside a line", "a\rb\r\n", "a␍b\r\n"],
  ])("%s", (_, text, written) => {
    expect(writtenOut(text)).toBe(written);
  });

  test("a selector or joiner is visible as part of an emoji and unseen elsewhere", () => {
    for (const text of ["❤️ 👩‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 1️⃣", "grüße 日本語 🐝\n\ttab"]) expect(writtenOut(text)).toBe(text);
    expect(writtenOut("ab\uFE0F \u200Dx")).toBe("ab⟨U+FE0F⟩ ⟨U+200D⟩x");
    // An emoji has one selector; further ones carry data.
    expect(writtenOut("❤️\uFE0F\uFE0F")).toBe("❤️⟨U+FE0F⟩⟨U+FE0F⟩");
    expect(writtenOut("👩\u200D")).toBe("👩⟨U+200D⟩");
    // The flag of a region is spelled in tags, which may spell anything.
    expect(writtenOut("🏴\u{E0067}\u{E007F}")).toBe("🏴⟨U+E0067⟩⟨U+E007F⟩");
  });

  test("become separate pieces with their kind", () => {
    expect(piecesOf("")).toEqual([]);
    expect(piecesOf("x\u202Ey\r")).toEqual([
      { text: "x" },
      { text: "\u202E", unseen: "bidi" },
      { text: "y" },
      { text: "\r", unseen: "control" },
    ]);
  });
});
