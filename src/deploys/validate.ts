import type { RequestOrigin, TreeFile } from "../wire/approval.ts";
import { MAX_INSTRUCTIONS_BYTES } from "../wire/config-limits.ts";
import { MAX_CONFIG_BYTES, MAX_CONFIG_FILES } from "../wire/limits.ts";
import { CONFIG_FILE, parseDeployed, parseRequested } from "../agents/agent-json.ts";
import { byPath, bytesOf, INSTRUCTIONS_FILE, textOf } from "./tree.ts";

/** The rules that apply to a config: the current ones for a new request, those of its time for a deployed one. */
export type RulesOf = "request" | "deployed";

/** The rules that apply to a request. A config that was deployed before keeps the rules of its time. */
export function rulesFor(origin: RequestOrigin): RulesOf {
  return origin === "update" || origin === "rollback" || origin === "revive" ? "deployed" : "request";
}

/**
 * The complaints about a config tree, for the manager and the operator. Empty if it may be shown to the operator. A
 * config that was deployed before only has to be readable, so it can be rebuilt after the rules have changed. Pure. The
 * repositories check paths, modes and links when they read a tree.
 */
export function validateConfig(files: readonly TreeFile[], rules: RulesOf = "request"): string[] {
  const tree = byPath(files);
  if (rules === "deployed") return configComplaints(tree.get(CONFIG_FILE), deployedComplaints);
  const complaints: string[] = [];
  if (files.length > MAX_CONFIG_FILES)
    complaints.push(`the tree has ${files.length} files; a config may have ${MAX_CONFIG_FILES}`);
  const bytes = files.reduce((sum, file) => sum + bytesOf(file).length, 0);
  if (bytes > MAX_CONFIG_BYTES) complaints.push(`the tree has ${bytes} bytes; a config may have ${MAX_CONFIG_BYTES} in all`);
  return [
    ...complaints,
    ...configComplaints(tree.get(CONFIG_FILE), requestedComplaints),
    ...instructionComplaints(tree.get(INSTRUCTIONS_FILE)),
  ];
}

function configComplaints(file: TreeFile | undefined, complaintsOf: (text: string) => string[]): string[] {
  if (file === undefined) return [`${CONFIG_FILE} is missing: add it with at least an empty object, {}`];
  if (file.mode === "120000") return [`${CONFIG_FILE} is a link: make it a file`];
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
  if (file.mode === "120000") return [`${INSTRUCTIONS_FILE} is a link: make it a file`];
  const text = textOf(file);
  if (text === undefined) return [`${INSTRUCTIONS_FILE} is not text in UTF-8`];
  const bytes = bytesOf(file).length;
  if (bytes <= MAX_INSTRUCTIONS_BYTES) return [];
  return [
    `${INSTRUCTIONS_FILE} has ${bytes} bytes; ${MAX_INSTRUCTIONS_BYTES} fit into a system prompt. Move the rest into other files`,
  ];
}
