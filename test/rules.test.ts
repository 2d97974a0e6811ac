import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parseAst } from "rolldown/parseAst";
import { describe, expect, test } from "vitest";
import { handlers } from "../src/daemon/handlers/index.ts";
import { FOLDERS, foldersTable } from "./lib/folders.ts";
import { silentErrors } from "./lib/silent-errors.ts";
import { RequestState } from "../src/wire/approval.ts";
import { LEAST_ROLE, type OperatorOperation } from "../src/wire/roles.ts";
import { operations } from "../src/wire/operations.ts";

/** Rules of this repository that a test enforces. */

const ROOT = join(import.meta.dirname, "..");

/** Packages that only one folder may use, which is the reason for that folder. */
const ONLY_IN: Record<string, string> = {
  "better-sqlite3": "src/store",
  "node:child_process": "src/os",
  execa: "src/os",
  hono: "src/daemon",
  pino: "src/daemon",
  commander: "src/cli",
  "@anthropic-ai/claude-agent-sdk": "src/harness",
  react: "ui",
};
/** The files that may read the environment: one per program, and the terminal's colours. */
const READ_ENVIRONMENT = ["src/daemon/main.ts", "src/cli/shell.ts", "src/harness/main.ts", "src/w4rden/main.ts"];

/**
 * Files whose calls may spread an array into their arguments: it is a tuple, or its length is limited in the same file.
 * Anywhere else a long array ends the process with "Maximum call stack size exceeded".
 */
const MAY_SPREAD: Record<string, string> = {
  "src/store/agents.ts": "columns of one table",
  "src/store/message-inserts.ts": "columns of a number of rows that is fixed",
};

/** The part of an agent's state that each of these files owns, and changes. */
const OWNERS: Record<string, string> = {
  "src/agents/records.ts": "record",
  "src/agents/cages.ts": "cage",
  "src/agents/harnesses.ts": "harness",
  "src/agents/turns.ts": "turn",
  "src/deploys/steps/agent.ts": "deploy",
  "src/deploys/deploys.ts": "deploy",
  "src/deploys/drift.ts": "deploy",
  "src/agents/disk-watch.ts": "disk",
  "src/daemon/views.ts": "shown",
};

/** Operations of host.sock version 1 that only the desktop client calls. */
const FOR_OTHERS = ["agent_status", "subscribe_agent_status"];

interface Source {
  file: string;
  text: string;
  imports: string[];
}

const read = new Map<string, Source>();

/** The source files under a folder whose names have one of these endings. Each is read once. */
function sources(folder: string, ...endings: string[]): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => endings.some((ending) => name.endsWith(ending)) && !name.endsWith(".d.ts"))
    .map((name) => {
      const file = join(folder, name);
      const source = read.get(file) ?? sourceOf(file);
      read.set(file, source);
      return source;
    });
}

function sourceOf(file: string): Source {
  const text = readFileSync(join(ROOT, file), "utf8");
  const imports = Array.from(
    text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g),
    (match) => match[1] ?? match[2] ?? "",
  );
  return { file, text, imports };
}
const code = [...sources("src", ".ts"), ...sources("ui", ".ts", ".tsx")];
const isTest = (file: string): boolean =>
  file.endsWith(".test.ts") || file.endsWith("conformance.ts") || file.startsWith("test/");
const product = code.filter(({ file }) => !isTest(file));

function folderOf(file: string): string {
  return Object.keys(FOLDERS).find((folder) => file.startsWith(`${folder}/`)) ?? file;
}

describe("boundaries", () => {
  test("every folder of src has a line in the table", () => {
    for (const { file } of code) expect(Object.keys(FOLDERS), file).toContain(folderOf(file));
  });

  test("folders import only what they may", () => {
    const wrong: string[] = [];
    for (const { file, imports } of product) {
      const own = folderOf(file);
      for (const imported of imports.filter((one) => one.startsWith("."))) {
        const target = relative(ROOT, join(ROOT, dirname(file), imported));
        const allowed = [own, "src/lib", ...(FOLDERS[own]?.imports ?? [])];
        if (!allowed.some((prefix) => target === prefix || target.startsWith(`${prefix}/`))) wrong.push(`${file} → ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("the table of folders in ARCHITECTURE.md is the one that these tests enforce", () => {
    const page = readFileSync(join(ROOT, "ARCHITECTURE.md"), "utf8");
    expect(/<!-- folders -->\n\n([\s\S]*?)\n\n<!-- \/folders -->/.exec(page)?.[1]).toBe(foldersTable());
  });

  test("no files of different folders import each other in a circle", () => {
    const seen = new Map<string, "open" | "done">();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (seen.get(file) === "done") return;
      if (seen.get(file) === "open") {
        const circle = [...path.slice(path.indexOf(file)), file];
        if (new Set(circle.map((one) => dirname(one))).size > 1) circles.push(circle.join(" → "));
        return;
      }
      seen.set(file, "open");
      for (const imported of product.find((one) => one.file === file)?.imports ?? [])
        if (imported.startsWith(".")) visit(relative(ROOT, join(ROOT, dirname(file), imported)), [...path, file]);
      seen.set(file, "done");
    };
    for (const { file } of product) visit(file, []);
    expect(circles).toEqual([]);
  });

  test("the contract imports nothing but zod", () => {
    for (const { file, imports } of product.filter((one) => one.file.startsWith("src/wire/"))) {
      for (const imported of imports)
        expect(imported.startsWith("./") || imported === "zod", `${file} imports ${imported}`).toBe(true);
    }
  });

  test("some packages are used in one folder only", () => {
    const wrong: string[] = [];
    for (const { file, imports } of product) {
      for (const imported of imports) {
        const owner = Object.entries(ONLY_IN).find(([name]) => imported === name || imported.startsWith(`${name}/`))?.[1];
        if (owner !== undefined && !file.startsWith(`${owner}/`) && !isTypeOnly(file, imported))
          wrong.push(`${file} imports ${imported}, which belongs to ${owner}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("the interface imports types from the contract, and code only if that adds no schema to the bundle", () => {
    const wire = product.filter(({ file }) => file.startsWith("src/wire/"));
    const baseOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
    const light = new Set<string>();
    // A file that imports only types is light, and so is a file that imports only light files.
    for (let before = -1; before !== light.size;) {
      before = light.size;
      for (const { file, imports } of wire)
        if (imports.every((imported) => isTypeOnly(file, imported) || light.has(baseOf(imported)))) light.add(baseOf(file));
    }
    expect(light).not.toContain("names.ts");
    for (const { file, text } of product.filter((one) => one.file.startsWith("ui/"))) {
      for (const line of text.split("\n").filter((one) => one.includes("src/wire/"))) {
        const [, name = ""] = /src\/wire\/([^"]+)"/.exec(line) ?? [];
        if (!light.has(name)) expect(line, file).toMatch(/^import type /);
      }
    }
  });

  test("no SQL outside the store", () => {
    const sql = /["'`]\s*(?:SELECT\s.+\sFROM|INSERT INTO|UPDATE\s+\w+\s+SET|DELETE FROM|CREATE TABLE|PRAGMA)\b/;
    const wrong = product.filter(({ file, text }) => !file.startsWith("src/store/") && sql.test(text)).map(({ file }) => file);
    expect(wrong).toEqual([]);
  });

  test("each part of an agent's state is changed by its owner alone", () => {
    const written = product.flatMap(({ file, text }) =>
      file === "src/agents/agent.ts"
        ? []
        : Array.from(
            text.matchAll(/stateOf\([^)]*\)\.(\w+)|\{ (\w+) \} = stateOf\([^)]*\);/g),
            (found) => `${file}: ${found[1] ?? found[2]}`,
          ),
    );
    const owned = Object.entries(OWNERS).map(([file, part]) => `${file}: ${part}`);
    expect([...new Set(written)].sort()).toEqual(owned.sort());
  });

  test("entries of the audit trail for an operator name the operator", () => {
    const wrong = product.filter(({ text }) => /\bactor: (?:OPERATOR\b|"operator")/.test(text)).map(({ file }) => file);
    expect(wrong).toEqual([]);
  });

  test("the environment is read in one file per program", () => {
    const wrong = product
      .filter(({ file, text }) => text.includes("process.env") && !READ_ENVIRONMENT.includes(file))
      .map(({ file }) => file);
    expect(wrong).toEqual([]);
  });
});

function isTypeOnly(file: string, imported: string): boolean {
  const { text } = product.find((one) => one.file === file) ?? { text: "" };
  return new RegExp(`import type [^;]*from "${imported}"`).test(text);
}

describe("the page", () => {
  /** Operations whose button is shown with that of another one: decisions that a viewer never gets to. */
  const WITH: Partial<Record<string, string>> = {
    // The box that takes files is the one that sends.
    upload_start: "send",
    upload_piece: "send",
    upload_finish: "send",
    change_deny: "change_approve",
    change_return: "change_approve",
    change_revert: "change_approve",
    withdraw_change: "change_approve",
    repo_host_key: "repo_add_remote",
    repo_new_key: "repo_add_remote",
    compact: "send",
    model: "send",
    model_login_finish: "model_login_start",
    model_login_cancel: "model_login_start",
    model_logout: "model_login_start",
    passkey_start: "passkey_add",
    passkey_remove: "passkey_add",
    passkey_require: "passkey_add",
  };

  test("asks the table of roles before it shows what calls an operation", () => {
    const pages = product.filter(({ file }) => file.startsWith("ui/")).map(({ text }) => text);
    const called = (Object.keys(LEAST_ROLE) as OperatorOperation[]).filter(
      (name) => LEAST_ROLE[name] !== "viewer" && pages.some((text) => text.includes(`call("${name}"`)),
    );
    const isAsked = (name: string): boolean =>
      pages.some((text) => new RegExp(`(?:to=|needs: |useMay\\(|useWhyNot\\(|: )"${name}"`).test(text));
    expect(called.length).toBeGreaterThan(30);
    expect(called.filter((name) => !isAsked(WITH[name] ?? name))).toEqual([]);
    // An operation that stands for another takes no lower role.
    for (const [name, other] of Object.entries(WITH))
      expect(LEAST_ROLE[other as OperatorOperation], name).toBe(LEAST_ROLE[name as OperatorOperation]);
  });
});

describe("the contract", () => {
  const tests = [...sources("src", ".test.ts"), ...sources("test", ".ts")].map(({ text }) => text).join("\n");

  test.each(Object.keys(operations))("%s has a handler and a test that names it", (name) => {
    expect(handlers).toHaveProperty(name);
    expect(new RegExp(`["'\`]${name}["'\`]`).test(tests), `no test names ${name}`).toBe(true);
  });

  test("every operation is called by one of our programs, or is part of a fixed protocol", () => {
    const callers = product.filter(({ file }) => /^(?:ui|src\/cli|src\/harness)\//.test(file)).map(({ text }) => text);
    const uncalled = Object.keys(operations).filter(
      (name) => !FOR_OTHERS.includes(name) && !callers.some((text) => new RegExp(`["']${name}["']`).test(text)),
    );
    expect(uncalled).toEqual([]);
  });

  test("the states of a request are listed in one place", () => {
    const state = `["'](?:${RequestState.options.join("|")})["']`;
    // Two of them next to each other, as in an array or in SQL.
    const list = new RegExp(`${state},\\s*${state}`);
    const lists = product.filter(({ text }) => list.test(text)).map(({ file }) => file);
    // A migration never changes.
    expect(lists).toEqual(["src/store/early-migrations.ts", "src/wire/approval.ts", "src/wire/request-states.ts"]);
  });

  test("there is no handler without an operation", () => {
    expect(Object.keys(handlers).sort()).toEqual(Object.keys(operations).sort());
  });
});

describe("the text", () => {
  const all = [...code, ...sources("test", ".ts"), ...sources("scripts", ".mjs")];

  test("there are no to-dos, skipped tests or single tests", () => {
    const marks = /TODO|FIXME|\b(?:test|describe|it)\.(?:only|skip|todo)\(/;
    const marked = all.filter(({ file, text }) => file !== "test/rules.test.ts" && marks.test(text));
    expect(marked.map(({ file }) => file)).toEqual([]);
  });

  test("tests wait for signals, never for time", () => {
    const sleeps = /setTimeout\(\s*(?:resolve|done|r)\s*,|\bsleep\(\s*\d/;
    const waiting = all
      .filter(({ file }) => isTest(file) && file !== "test/rules.test.ts")
      .filter(({ text }) => sleeps.test(text));
    expect(waiting.map(({ file }) => file)).toEqual([]);
  });

  test("tests wait with expect.poll, whose limit grows on a slow machine, and not with vi.waitFor and its single second", () => {
    const waiting = all.filter(({ file, text }) => file !== "test/rules.test.ts" && /\bvi\.waitFor|\bvi\.waitUntil/.test(text));
    expect(waiting.map(({ file }) => file)).toEqual([]);
  });

  /** The name of a constant, such as the words of an option: as long as it is written. */
  const isConstant = (name = ""): boolean => /^[A-Z][A-Z_]*$/.test(name);
  interface Argument {
    type: string;
    argument?: { type: string; name?: string };
  }

  test("no call spreads data into its arguments, because a long array overflows the stack", () => {
    const spreads = (file: string, text: string): boolean => {
      // An argument, or an element that follows another one. Most files have neither.
      if (!/[(,/]\s*\.\.\./.test(text)) return false;
      let found = false;
      // A visitor of every node, which finds calls anywhere.
      const look = (node: unknown): void => {
        if (typeof node !== "object" || node === null) return;
        const { type, arguments: given } = node as { type?: string; arguments?: Argument[] };
        const isData = (one: Argument): boolean =>
          one.type === "SpreadElement" && !(one.argument?.type === "Identifier" && isConstant(one.argument.name));
        if ((type === "CallExpression" || type === "NewExpression") && given?.some(isData)) found = true;
        for (const inner of Object.values(node)) look(inner);
      };
      look(parseAst(text, { lang: file.endsWith("x") ? "tsx" : file.endsWith(".mjs") ? "js" : "ts" }).body);
      return found;
    };
    expect(["list.push(...a)", "Math.max(0, ...a.map(f))"].filter((text) => !spreads("a.ts", text))).toEqual([]);
    expect(["list.push([...a], { ...b })", "option(...WAIT)"].filter((text) => spreads("a.ts", text))).toEqual([]);
    const wrong = [...product, ...sources("scripts", ".mjs")].filter(({ file, text }) => spreads(file, text));
    expect(wrong.map(({ file }) => file).filter((file) => !Object.hasOwn(MAY_SPREAD, file))).toEqual([]);
    expect(Object.keys(MAY_SPREAD).sort()).toEqual(
      wrong
        .map(({ file }) => file)
        .filter((file) => Object.hasOwn(MAY_SPREAD, file))
        .sort(),
    );
  });

  test("text from agents never becomes markup", () => {
    const sinks = /dangerouslySetInnerHTML|\.innerHTML\b|insertAdjacentHTML|document\.write\b/;
    expect(code.filter(({ text }) => sinks.test(text)).map(({ file }) => file)).toEqual([]);
  });

  test("no error is swallowed without a reason", () => {
    const everything = ["src", "ui", "bench", "scripts", "test", "dev"].flatMap((folder) =>
      sources(folder, ".ts", ".tsx", ".mjs", ".cjs", ".js"),
    );
    expect(everything.flatMap(({ file, text }) => silentErrors(file, text))).toEqual([]);
  });

  test.each([
    "try { a() } catch {}",
    "try { a() } catch (error) {}",
    "try { a() } catch { return undefined; }",
    "a().catch(() => {})",
    "a().catch(() => undefined)",
    "a().catch((error) => [])",
    "a().then(b, () => false)",
    'socket.on("error", () => {})',
    "// About something else.\nb();\na().catch(() => {})",
  ])("an error is swallowed by %j", (text) => {
    expect(silentErrors("x.ts", `async function f() { ${text} }`)).toHaveLength(1);
  });

  test.each([
    "try { a() } catch { /* it is gone */ }",
    "try { a() } catch {\n // It is gone.\n return undefined; }",
    "a().catch(() => {}) // it is gone",
    "// It is gone.\na().catch(() => {})",
    "a().then(b,\n () => false, // it is gone\n)",
    "try { a() } catch (error) { log(error) }",
    "try { a() } catch { throw new Error('b') }",
    "a().catch(onUnexpected)",
    "a().catch((error) => log(error))",
    'a().catch(() => toast("it failed"))',
    'socket.on("error", () => socket.destroy())',
    'socket.on("close", () => {})',
  ])("no error is swallowed by %j", (text) => {
    expect(silentErrors("x.ts", `async function f() { ${text} }`)).toEqual([]);
  });

  test("files stay short enough to be read at once", () => {
    const long = product
      .filter(({ text }) => text.split("\n").length > 560)
      .map(({ file, text }) => `${file}: ${text.split("\n").length}`);
    expect(long).toEqual([]);
  });
});
