/** Characters of a description. The model has all of them before it, in every turn. */
const MAX_DESCRIPTION_CHARS = 1024;
/** A block of YAML at the start of a file, between two lines of dashes. */
const BLOCK = /^\uFEFF?---[ \t]*\r?\n([^]*?\r?\n)?---[ \t]*(?:\r?\n|$)/;

/**
 * A skill or a command with nothing in its front matter but a description, and its name if it is given. What else
 * stands there could give tools, run hooks or choose a model. The result always begins with a block of its own, so that
 * no other reader takes something further down for one.
 */
export function plainFrontMatter(text: string, name: string | undefined): string {
  const block = BLOCK.exec(text);
  const body = block === null ? text : text.slice(block[0].length);
  const description = (descriptionIn(block?.[1] ?? "") || firstLine(body)).slice(0, MAX_DESCRIPTION_CHARS);
  const lines = [...(name === undefined ? [] : [`name: ${quoted(name)}`]), `description: ${quoted(description)}`];
  return `---\n${lines.join("\n")}\n---\n${body}`;
}

/** The value of `description` with the lines that continue it, without quotes and marks of YAML. */
function descriptionIn(yaml: string): string {
  const lines = yaml.split(/\r?\n/);
  const at = lines.findIndex((line) => line.startsWith("description:"));
  if (at < 0) return "";
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => /^\S/.test(line));
  const first = lines[at]?.slice("description:".length).trim() ?? "";
  const parts = [/^[>|][+-]?$/.test(first) ? "" : first, ...rest.slice(0, end < 0 ? rest.length : end)];
  const words = parts
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .join(" ");
  return /^(["']).*\1$/.test(words) ? words.slice(1, -1) : words;
}

/** The first words of a text, without the mark of a heading. */
function firstLine(body: string): string {
  const line = body.split("\n").find((one) => one.trim() !== "") ?? "";
  return line.replace(/^#+\s*/, "").trim();
}

/** A string of YAML. Dashes that could end the block are shortened. */
const quoted = (text: string): string => JSON.stringify(text.replaceAll(/-{3,}/g, "--"));
