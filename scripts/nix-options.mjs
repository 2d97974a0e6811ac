// Draws the lists of options in docs/nixos.md from the Nix modules: `npm run nix-options`. `--print` prints the
// page, which a test compares.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./lib.mjs";

const PAGE = join(ROOT, "docs/nixos.md");
/** The lists of the page: the word of their marks, the prefix of the options, and their file. */
const LISTS = [
  { mark: "host options", prefix: "services.hive-c0re", file: "./nix/modules/hive-c0re/options.nix" },
  { mark: "agent options", prefix: "hyperhive", file: "./nix/modules/agent/options.nix" },
];

/** The page with its lists drawn anew. */
function drawn(page) {
  return LISTS.reduce((text, { mark, prefix, file }) => {
    const place = new RegExp(`(<!-- ${mark} -->\\n\\n)[\\s\\S]*?(\\n\\n<!-- /${mark} -->)`);
    if (!place.test(text)) throw new Error(`docs/nixos.md has no place for the list "${mark}"`);
    return text.replace(place, (_, before, after) => before + listOf(prefix, file) + after);
  }, page);
}

function listOf(prefix, file) {
  const expression = `(import ./nix/docs/options.nix { file = ${file}; }).options`;
  const argv = ["--eval", "--strict", "--json", "--store", "dummy://", "--expr", expression];
  const options = JSON.parse(execFileSync("nix-instantiate", argv, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] }).toString());
  const rows = options.map((option) => {
    const value = option.defaultText ?? (Object.hasOwn(option, "default") ? option.default : undefined);
    const cells = [
      `\`${prefix}.${option.name}\``,
      option.type,
      value === undefined ? "–" : code(value),
      Object.hasOwn(option, "example") ? code(option.example) : "–",
      option.description,
    ];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  return ["| option | type | default | example | meaning |", "| --- | --- | --- | --- | --- |", ...rows].join("\n");
}

const code = (value) => `\`${nix(value)}\``;

/** A value as Nix writes it. */
function nix(value) {
  if (Array.isArray(value)) return value.length === 0 ? "[ ]" : `[ ${value.map(nix).join(" ")} ]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (typeof value.expression === "string") return value.expression;
  const entries = Object.entries(value).map(([name, one]) => `${name} = ${nix(one)};`);
  return entries.length === 0 ? "{ }" : `{ ${entries.join(" ")} }`;
}

const page = drawn(readFileSync(PAGE, "utf8"));
if (process.argv.includes("--print")) process.stdout.write(page);
else writeFileSync(PAGE, page);
