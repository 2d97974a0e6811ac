import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { asRun, commandIn, findHivectlIn, hivectl, hivectlAnywhere, shellWord } from "./hivectl.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hivectl-"));
});
afterEach(() => {
  findHivectlIn("");
  rmSync(folder, { recursive: true });
});

function program(name: string): string {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, "hivectl"), "#!/bin/sh\n", { mode: 0o755 });
  return join(folder, name);
}

test("hints name the command that the operator can type: from the PATH, else through npx", () => {
  expect(commandIn("")).toBe("npx hivectl");
  expect(commandIn(`${folder}:/nowhere`)).toBe("npx hivectl");
  expect(commandIn(`/nowhere:${program("bin")}`)).toBe("hivectl");
  // npm puts this folder before the PATH of everything that it starts.
  expect(commandIn(program("node_modules/.bin"))).toBe("npx hivectl");
  findHivectlIn(program("bin"));
  expect(hivectl("show 12")).toBe("`hivectl show 12`");
});

test("outside of a checkout, where npx would ask its registry, hints name the path of the command", () => {
  const place = (name: string): string => {
    mkdirSync(join(folder, name), { recursive: true });
    return join(folder, name);
  };
  const daemon = join(program("checkout/dist"), "hivectl.js");
  writeFileSync(join(folder, "checkout", "package.json"), "{}");
  writeFileSync(join(place("other"), "package.json"), "{}");
  const typedIn = (cwd: string): string => commandIn("", { cwd, program: daemon });
  expect([typedIn(join(folder, "checkout")), typedIn(place("checkout/src/deep"))]).toEqual(["npx hivectl", "npx hivectl"]);
  const path = join(folder, "checkout/dist/hivectl");
  // A folder of another package, and one of none.
  expect([typedIn(place("other/src")), typedIn(folder)]).toEqual([path, path]);
  expect(commandIn(program("bin"), { cwd: folder, program: daemon })).toBe("hivectl");
  expect(commandIn("", { cwd: folder, program: join(program("my hive/dist"), "hivectl.js") })).toBe(
    `'${join(folder, "my hive/dist/hivectl")}'`,
  );
  // Another checkout may be an agent's.
  program("fork/dist");
  writeFileSync(join(folder, "fork", "package.json"), "{}");
  expect(typedIn(join(folder, "fork"))).toBe(path);
  expect(hivectlAnywhere("/srv/my hive")).toBe("'/srv/my hive/dist/hivectl'");
  expect(["a/b-1.txt", "a;b", "it's"].map(shellWord)).toEqual(["a/b-1.txt", "'a;b'", String.raw`'it'\''s'`]);
});

test("a text of the daemon names the same command", () => {
  expect(asRun("stopped: `hivectl start scout`, or `hivectl logs scout`")).toBe(
    "stopped: `npx hivectl start scout`, or `npx hivectl logs scout`",
  );
  expect(asRun("hivectl answers on `host.sock`")).toBe("hivectl answers on `host.sock`");
});

test("no hint in the source names the command itself", () => {
  // Descriptions are also in the man page; texts of the contract go through `asRun` where they are used.
  const exempt = /\.description\(|\.argument\(|^\s*(?:\/\/|\/?\*)/;
  const wrong = globSync("src/{cli,daemon,agents,deploys,store,messages,backup}/**/*.ts")
    .filter((file) => !/\.test\.ts$|src\/cli\/(?:examples|shapes|man|completion\/scripts)\.ts|states-page\.ts/.test(file))
    .flatMap((file) =>
      readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => /`(?:npx )?hivectl [a-z$-]|[(:] ?hivectl [a-z$-]|\\nhivectl /.test(line) && !exempt.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
  expect(wrong).toEqual([]);
});
