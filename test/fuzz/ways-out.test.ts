import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Screen } from "../../src/daemon/login/screen.ts";
import { EchoFilter } from "../../src/gateway/doors/echo.ts";
import { doorTarget, pathOf } from "../../src/gateway/doors/path.ts";
import { HiveError } from "../../src/wire/error.ts";
import { readAdvertised } from "../../src/work/remote/advertisement.ts";
import { BadPkt, FLUSH, linesToFlush, pkt } from "../../src/work/transport/pkt-line.ts";
import { readPushHead } from "../../src/work/transport/push-request.ts";
import { anyCharacter } from "../lib/code-points.ts";
import { PATIENCE_MS, RUNS } from "./runs.ts";

/** Parsers at the ways out of a cage: API doors, git, upstreams, and the terminal of a log-in. */

/** Bytes that are cut into pieces somewhere. */
const pieces = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...at, bytes.length].map((end, index) => bytes.subarray(at[index - 1] ?? 0, end));
};
const cuts = fc.array(fc.nat(), { maxLength: 6 });

describe("API doors", { timeout: PATIENCE_MS }, () => {
  const part = fc.oneof(
    fc.constantFrom(
      ".",
      "..",
      "%2e",
      "%2E%2e",
      "%2f",
      "%5c",
      "%252e",
      "%00",
      "%c0%ae",
      ";",
      ";x=1",
      "/",
      "//",
      "?",
      "&",
      "#",
      "\\",
      "%",
    ),
    fc.constantFrom("items", "admin", "_method=DELETE", "é", "%C3%A9", "a b", "..;"),
    fc.string({ maxLength: 4 }),
  );

  test("a path is refused, or every program reads it as the segments that were matched", () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const read = doorTarget(`/door/${parts.join("")}`);
        if (typeof read === "string") return;
        const path = pathOf(read.segments);
        // As a server of the standard, one that decodes before it splits, and one that decodes twice read it.
        expect(new URL(`https://api.test${path}`).pathname).toBe(path === "" ? "/" : path);
        for (const decoded of [decodeURIComponent(path), decodeURIComponent(decodeURIComponent(path))]) {
          expect(decoded.split("/").slice(1)).toEqual(read.segments);
          expect(decoded.split("/").map((one) => one.replace(/;.*$/s, ""))).not.toContain("..");
        }
        expect(new URLSearchParams(read.query).has("_method")).toBe(false);
      }),
      { numRuns: RUNS },
    );
  });

  test("a secret passes in no answer, wherever the answer is cut", async () => {
    const letters = (minLength: number, maxLength: number) =>
      fc.array(fc.constantFrom("a", "b"), { minLength, maxLength }).map((all) => all.join(""));
    await fc.assert(
      fc.asyncProperty(letters(3, 6), fc.array(letters(0, 8), { maxLength: 6 }), cuts, async (secret, texts, at) => {
        const text = texts.join(secret);
        const filter = new EchoFilter([secret], "#");
        let out = "";
        filter.on("data", (chunk: Buffer) => (out += chunk.toString()));
        for (const piece of pieces(Buffer.from(text), at)) filter.write(piece);
        await new Promise((resolve) => filter.end(() => resolve(undefined)));
        expect(out).toBe(text.replaceAll(secret, "#"));
      }),
      { numRuns: RUNS },
    );
  });
});

describe("git", { timeout: PATIENCE_MS }, () => {
  const line = fc.oneof(
    fc.constantFrom("shallow x", "ERR no", "version 1", `${"0".repeat(40)} capabilities^{}\0side-band-64k`, "\0", ""),
    fc
      .tuple(fc.constantFrom("1".repeat(40), "2".repeat(64), "z".repeat(40), ""), fc.string({ maxLength: 12 }))
      .map(([sha, ref]) => `${sha} refs/heads/${ref}`),
    fc.string({ maxLength: 30 }),
  );
  const packets = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.array(line, { maxLength: 5 }).map((lines) => Buffer.concat([...lines.map((text) => pkt(text)), FLUSH])),
  );

  test("what an upstream lists is read, or refused in words", () => {
    fc.assert(
      fc.property(packets, (bytes) => {
        try {
          const { refs } = readAdvertised("https://git.test/web", bytes);
          for (const [ref, sha] of refs) expect(`${sha} ${ref}`).toMatch(/^[0-9a-f]{40} \S+$/);
        } catch (error) {
          if (!(error instanceof HiveError)) throw error;
          expect(error.message).toContain("https://git.test/web");
        }
      }),
      { numRuns: RUNS },
    );
  });

  test("packets end within the bytes, or are refused", () => {
    fc.assert(
      fc.property(packets, (bytes) => {
        try {
          const read = linesToFlush(bytes);
          if (read) expect(read.end).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(BadPkt);
        }
      }),
      { numRuns: RUNS },
    );
  });

  test("the commands of a push do not depend on how the bytes were cut, and are names of commits and refs", async () => {
    const read = async (all: readonly Buffer[]): Promise<unknown> => {
      try {
        const { commands } = await readPushHead(
          (async function* () {
            yield* all;
          })(),
        );
        return commands;
      } catch (error) {
        if (!(error instanceof BadPkt) && !(error instanceof HiveError)) throw error;
        return "refused";
      }
    };
    const command = fc
      .tuple(
        fc.constantFrom("0".repeat(40), "1".repeat(40), "x"),
        fc.constantFrom("1".repeat(40), ""),
        fc.string({ maxLength: 8 }),
      )
      .map(([from, to, ref]) => `${from} ${to} refs/heads/${ref}\0report-status`);
    const pushes = fc.oneof(
      packets,
      fc.array(command, { maxLength: 3 }).map((lines) => Buffer.concat([...lines.map((text) => pkt(text)), FLUSH])),
    );
    await fc.assert(
      fc.asyncProperty(pushes, cuts, async (bytes, at) => {
        const whole = await read([bytes]);
        expect(await read(pieces(bytes, at))).toEqual(whole);
        if (whole !== "refused")
          for (const one of whole as object[]) expect(Object.values(one).every((value) => typeof value === "string")).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });
});

describe("the terminal of a log-in", { timeout: PATIENCE_MS }, () => {
  const host = fc.array(
    fc.constantFrom("claude.ai", "evil.test", "@", ".", "-", ":443", "/", "\\", "?", "#", "x", "\u00ad", "%2f"),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  const link = host.map((parts) => `\u001b]8;;https://${parts.join("")}/oauth/authorize?x\u0007`);
  const printed = fc.array(
    fc.oneof(
      link,
      fc.constantFrom(
        "\u001b]8;;",
        "\u0007",
        "\u001b\\",
        "https://",
        "claude.ai",
        "evil.test",
        "@",
        "/oauth/authorize",
        "?x",
        ":443",
        "#",
        "\\",
      ),
      fc.constantFrom("sk-ant-oat01-", "a".repeat(24), "OAuth error: ", "\n", "\u001b[5G", "\u009b"),
      fc.string({ maxLength: 5, unit: anyCharacter }),
    ),
    { maxLength: 12 },
  );

  test("no output is an address of another site, and none makes the reader throw", () => {
    fc.assert(
      fc.property(printed, cuts, (words, at) => {
        const screen = new Screen();
        for (const piece of pieces(Buffer.from(words.join("")), at)) screen.add(piece);
        const { address, token, failure, lastWords } = screen;
        if (address !== undefined) expect(new URL(address).origin).toMatch(/^https:\/\/(?:[a-z0-9-]+\.)*claude\.ai(?::\d+)?$/);
        if (token !== undefined) expect(token).toMatch(/^sk-ant-oat\d\d-[\w-]{20,}$/);
        expect(`${failure ?? ""}${lastWords}`).not.toMatch(/[\p{Cc}]/u);
      }),
      { numRuns: RUNS },
    );
  });
});
