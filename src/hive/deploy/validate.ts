import { parseStrictObject } from "../../rpc/json.ts";
import type { TreeFile } from "../../wire/approval.ts";
import { AgentConfig } from "../../wire/config.ts";
import { schemaComplaint } from "../../wire/error.ts";
import { MAX_CONFIG_BYTES, MAX_CONFIG_FILES } from "../../wire/limits.ts";
import { byPath, bytesOf, CONFIG_FILE, INSTRUCTIONS_FILE, textOf } from "./tree.ts";

/** Bytes of INSTRUCTIONS.md: it becomes one argument of a program, and the kernel takes 128 KiB for one. */
const MAX_INSTRUCTIONS_BYTES = 96 * 1024;

/**
 * What is wrong with a config tree, each in words for manager and operator; empty when it may be shown to the operator.
 * Pure. Paths, modes and links are checked where trees are read (the repositories refuse them); this is what a config
 * has to be.
 */
export function validateConfig(files: readonly TreeFile[]): string[] {
  const complaints: string[] = [];
  if (files.length > MAX_CONFIG_FILES)
    complaints.push(`the tree has ${files.length} files; a config may have ${MAX_CONFIG_FILES}`);
  const bytes = files.reduce((sum, file) => sum + bytesOf(file).length, 0);
  if (bytes > MAX_CONFIG_BYTES)
    complaints.push(`the tree holds ${bytes} bytes; a config may have ${MAX_CONFIG_BYTES} altogether`);
  const tree = byPath(files);
  complaints.push(...configComplaints(tree.get(CONFIG_FILE)), ...instructionComplaints(tree.get(INSTRUCTIONS_FILE)));
  return complaints;
}

function configComplaints(file: TreeFile | undefined): string[] {
  if (file === undefined) return [`${CONFIG_FILE} is missing: an empty object, {}, is the least that it can be`];
  if (file.mode === "120000") return [`${CONFIG_FILE} is a link: it has to be a file`];
  const text = textOf(file);
  if (text === undefined) return [`${CONFIG_FILE} is not text in UTF-8`];
  let value: unknown;
  try {
    // Two equal keys would be one config to the reader of the diff and another to the hive.
    value = parseStrictObject(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [`${CONFIG_FILE} does not fit: ${why.replace("a request is", "it has to be")}`];
  }
  const parsed = AgentConfig.safeParse(value);
  return parsed.success ? [] : [`${CONFIG_FILE} does not fit: ${schemaComplaint(parsed.error)}`];
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
