import type { RequestOrigin, TreeFile } from "../wire/approval.ts";
import { MAX_INSTRUCTIONS_BYTES } from "../wire/config-limits.ts";
import { MAX_CONFIG_BYTES, MAX_CONFIG_FILES } from "../wire/limits.ts";
import { CONFIG_FILE, parseDeployed, parseRequested } from "../agents/agent-json.ts";
import { byPath, bytesOf, INSTRUCTIONS_FILE, textOf } from "./tree.ts";

/** Whose rules a config is held to: those of today for a new request, those of its time for one that was deployed. */
export type RulesOf = "request" | "deployed";

/** What was deployed before is held to the rules of its time. */
export function rulesFor(origin: RequestOrigin): RulesOf {
  return origin === "update" || origin === "rollback" || origin === "revive" ? "deployed" : "request";
}

/**
 * What is wrong with a config tree, each in words for manager and operator; empty when it may be shown to the operator.
 * One that was deployed has to be readable, nothing else: it can be rebuilt after the rules have changed.
 * Pure. Paths, modes and links are checked where trees are read (the repositories refuse them); this is what a config
 * has to be.
 */
export function validateConfig(files: readonly TreeFile[], rules: RulesOf = "request"): string[] {
  const tree = byPath(files);
  if (rules === "deployed") return configComplaints(tree.get(CONFIG_FILE), deployedComplaints);
  const complaints: string[] = [];
  if (files.length > MAX_CONFIG_FILES)
    complaints.push(`the tree has ${files.length} files; a config may have ${MAX_CONFIG_FILES}`);
  const bytes = files.reduce((sum, file) => sum + bytesOf(file).length, 0);
  if (bytes > MAX_CONFIG_BYTES)
    complaints.push(`the tree holds ${bytes} bytes; a config may have ${MAX_CONFIG_BYTES} altogether`);
  return [
    ...complaints,
    ...configComplaints(tree.get(CONFIG_FILE), requestedComplaints),
    ...instructionComplaints(tree.get(INSTRUCTIONS_FILE)),
  ];
}

function configComplaints(file: TreeFile | undefined, complaintsOf: (text: string) => string[]): string[] {
  if (file === undefined) return [`${CONFIG_FILE} is missing: an empty object, {}, is the least that it can be`];
  if (file.mode === "120000") return [`${CONFIG_FILE} is a link: it has to be a file`];
  const text = textOf(file);
  if (text === undefined) return [`${CONFIG_FILE} is not text in UTF-8`];
  return complaintsOf(text);
}

function requestedComplaints(text: string): string[] {
  const parsed = parseRequested(text);
  return "complaints" in parsed ? parsed.complaints : [];
}

function deployedComplaints(text: string): string[] {
  const parsed = parseDeployed(text);
  return "unreadable" in parsed ? [parsed.unreadable] : [];
}

function instructionComplaints(file: TreeFile | undefined): string[] {
  if (file === undefined) return [];
  if (file.mode === "120000") return [`${INSTRUCTIONS_FILE} is a link: it has to be a file`];
  const text = textOf(file);
  if (text === undefined) return [`${INSTRUCTIONS_FILE} is not text in UTF-8`];
  const bytes = bytesOf(file).length;
  if (bytes <= MAX_INSTRUCTIONS_BYTES) return [];
  return [
    `${INSTRUCTIONS_FILE} has ${bytes} bytes; ${MAX_INSTRUCTIONS_BYTES} fit into a system prompt. Put the rest into files of its own`,
  ];
}
