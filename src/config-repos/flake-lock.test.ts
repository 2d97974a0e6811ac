import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { flakeInputs, rebuiltBy, rootInputRev } from "./flake-lock.ts";

const names = (text: string): string[] => flakeInputs(text).map(({ name }) => name);

describe("a lock file from the real Nix", () => {
  let root: string;
  let lock: string;
  const revs = new Map<string, string>();
  const times = new Map<string, string>();

  const SETTINGS = `experimental-features = nix-command flakes
build-users-group =
sandbox = false
substituters =
flake-registry =
warn-dirty = false
`;
  /** A flake in its own repository. */
  function flake(name: string, inputs: string): void {
    const folder = join(root, name);
    mkdirSync(folder);
    writeFileSync(join(folder, "flake.nix"), `{ inputs = { ${inputs} }; outputs = { self, ... }: { }; }`);
    const git = (...argv: string[]): string =>
      execFileSync("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@hive.invalid", ...argv], {
        encoding: "utf8",
        env: env(),
      }).trim();
    git("init", "-q", "-b", "main");
    git("add", "-A");
    git("commit", "-qm", name);
    revs.set(name, git("rev-parse", "HEAD"));
    times.set(name, new Date(Number(git("show", "-s", "--format=%ct")) * 1000).toISOString());
  }
  const at = (name: string): string => `git+file://${root}/${name}?ref=main`;
  const env = (): Record<string, string> => ({
    PATH: process.env.PATH ?? "",
    HOME: root,
    // Nix asks for the user's name, which the account may lack.
    USER: "tester",
    NIX_CONF_DIR: join(root, "etc"),
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
  });

  beforeAll(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), "flakes-")));
    mkdirSync(join(root, "etc"));
    writeFileSync(join(root, "etc/nix.conf"), SETTINGS);
    flake("deep", "");
    flake("utils", `deep.url = "${at("deep")}";`);
    flake("nixpkgs", `utils.url = "${at("utils")}";`);
    flake("hyperhive", `nixpkgs.url = "${at("nixpkgs")}";`);
    flake("mcp-matrix", `utils.url = "${at("utils")}";`);
    flake("agent-coder", "");
    flake(
      "agent-dmatrix",
      `mcp-matrix.url = "${at("mcp-matrix")}"; nixpkgs.url = "${at("nixpkgs")}"; utils.url = "${at("utils")}";`,
    );
    const meta = `
      hyperhive.url = "${at("hyperhive")}";
      agent-coder.url = "${at("agent-coder")}";
      agent-dmatrix = { url = "${at("agent-dmatrix")}"; inputs.nixpkgs.follows = "hyperhive/nixpkgs"; };
      nixpkgs.follows = "hyperhive/nixpkgs";
    `;
    flake("meta", meta);
    execFileSync("nix", ["--store", join(root, "store"), "flake", "lock", join(root, "meta")], { env: env(), stdio: "pipe" });
    lock = readFileSync(join(root, "meta/flake.lock"), "utf8");
  });
  afterAll(() => {
    // Files in a Nix store are read-only.
    execFileSync("chmod", ["-R", "u+w", root]);
    rmSync(root, { recursive: true, force: true });
  });

  test("is listed to depth 2, by slash paths, without inputs that follow others", () => {
    expect(names(lock)).toEqual([
      "agent-coder",
      "agent-dmatrix",
      "agent-dmatrix/mcp-matrix",
      "agent-dmatrix/utils",
      "hyperhive",
      "hyperhive/nixpkgs",
    ]);
    // The lock has more: the walk left it out.
    expect(lock).toContain('"deep"');
  });

  test("is listed with each locked revision and its time", () => {
    for (const { name, rev, modified_at } of flakeInputs(lock)) {
      const flakeName = name.split("/").at(-1) ?? "";
      expect([name, rev, modified_at]).toEqual([name, revs.get(flakeName), times.get(flakeName)]);
    }
    expect(rootInputRev(lock, "agent-coder")).toBe(revs.get("agent-coder"));
    expect(rootInputRev(lock, "nixpkgs")).toBeUndefined();
  });

  test("has only paths that Nix accepts for an update", () => {
    for (const name of names(lock)) {
      const argv = ["--store", join(root, "store"), "flake", "lock", "--update-input", name, join(root, "meta")];
      expect(() => execFileSync("nix", argv, { env: env(), stdio: "pipe" }), name).not.toThrow();
    }
  });
});

describe("hostile lock files", () => {
  const locked = { rev: "a".repeat(40), lastModified: 1_700_000_000, type: "git" };
  const text = (nodes: unknown, root = "root"): string => JSON.stringify({ version: 7, root, nodes });

  test("cycles end, and every node is listed once", () => {
    const nodes = {
      root: { inputs: { a: "a", self: "root" } },
      a: { inputs: { b: "b", a: "a", up: "root" }, locked },
      b: { inputs: { a: "a", b: "b" }, locked },
    };
    expect(names(text(nodes))).toEqual(["a", "a/b"]);
  });

  test("follows, dangling names, nodes without a lock and names that Nix does not accept are skipped", () => {
    const nodes = {
      root: { inputs: { a: "a", f: ["a", "b"], gone: "nowhere", "x/y": "a2", "-rf": "a2", "": "a2", "na\nme": "a2", ünï: "a2" } },
      a: { inputs: { b: "b", c: ["root"], bare: "bare", broken: "broken" }, locked },
      a2: { locked },
      b: { locked: {} },
      bare: { inputs: { d: "a2" } },
      broken: { locked: "x", inputs: 3 },
    };
    expect(flakeInputs(text(nodes))).toEqual([
      { name: "a", rev: locked.rev, modified_at: "2023-11-14T22:13:20.000Z" },
      { name: "a/b" },
    ]);
  });

  test("names that every object has", () => {
    const raw = `{"version":7,"root":"valueOf","nodes":{"valueOf":{"inputs":{"constructor":"toString","a":"constructor"}},"constructor":{"locked":{}},"__proto__":{"inputs":{"b":"constructor"}}}}`;
    expect(names(raw)).toEqual(["a"]);
    expect(names(text({ root: { inputs: { a: "hasOwnProperty" } } }))).toEqual([]);
    expect(names(text({}, "constructor"))).toEqual([]);
  });

  test("invalid times", () => {
    for (const lastModified of [1e300, -1e300])
      expect(flakeInputs(text({ root: { inputs: { a: "a" } }, a: { locked: { lastModified } } }))).toEqual([{ name: "a" }]);
  });

  test("inputs beyond what a panel can show, and bytes beyond a lock's size, are bounded", () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`i${n}`, { locked }]));
    const inputs = Object.fromEntries(Object.keys(many).map((key) => [key, key]));
    expect(names(text({ root: { inputs }, ...many }))).toHaveLength(2_000);
    expect(() => flakeInputs(" ".repeat(9 * 1024 * 1024))).toThrow(/longer than/);
  });

  test("a text that is not a lock file is refused as such", () => {
    for (const bad of ["", "{", "[]", "null", "{}", `{"version":7,"root":"r"}`, `{"version":7,"root":1,"nodes":{}}`])
      expect(() => flakeInputs(bad)).toThrow(/the lock file/);
  });

  const key = fc.constantFrom("root", "a", "b", "c", "d", "__proto__", "toString");
  const graph = fc.dictionary(
    key,
    fc.record(
      {
        inputs: fc.dictionary(fc.oneof(key, fc.string()), fc.oneof(key, fc.array(key, { maxLength: 3 }))),
        locked: fc.constant(locked),
      },
      { requiredKeys: [] },
    ),
  );
  test("for any graph the walk ends and lists fetched nodes at most once, at most at depth 2, by paths that lead to them", () => {
    fc.assert(
      fc.property(graph, (nodes) => {
        const listed = names(text(nodes));
        expect(new Set(listed).size).toBe(listed.length);
        const targets = listed.map((name) => {
          let at = "root";
          expect(name).toMatch(/^[A-Za-z_][^/]*(?:\/[A-Za-z_][^/]*)?$/);
          for (const part of name.split("/")) {
            const next = Object.entries(new Map(Object.entries(nodes)).get(at)?.inputs ?? {}).find(([one]) => one === part)?.[1];
            expect(typeof next).toBe("string");
            at = next as string;
          }
          expect(new Map(Object.entries(nodes)).get(at)?.locked).toBeDefined();
          return at;
        });
        expect(new Set(targets).size).toBe(targets.length);
      }),
    );
  });

  test("any JSON gives a list or an error with the reason", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        try {
          flakeInputs(json);
        } catch (error) {
          expect((error as Error).message).toMatch(/the lock file/);
        }
      }),
    );
  });
});

test("the agents that an update of an input rebuilds", () => {
  const agents = ["coder", "dmatrix"];
  expect(rebuiltBy("hyperhive", agents)).toEqual(agents);
  expect(rebuiltBy("hyperhive/nixpkgs", agents)).toEqual(agents);
  expect(rebuiltBy("agent-dmatrix/mcp-matrix", agents)).toEqual(["dmatrix"]);
  expect(rebuiltBy("agent-coder", agents)).toEqual(["coder"]);
  expect([rebuiltBy("agent-gone", agents), rebuiltBy("other", agents), rebuiltBy("hyperhive2", agents)]).toEqual([[], [], []]);
});
