import { parseSync } from "oxc-parser";

/**
 * Calls that report an error without its text: the page shows what failed, a test or a promise fails, a program ends.
 * Matched by the last name of the callee.
 */
const REPORTS = /^(?:toast|report\w*|fail\w*|reject\w*|refuse\w*|destroy|kill|say|onUnexpected|onFatal|fatal|error|warn|exit)$/;

interface Node {
  type: string;
  start: number;
  end: number;
  [field: string]: unknown;
}

const isNode = (value: unknown): value is Node => typeof (value as Partial<Node> | null)?.type === "string";

/** A node and all its descendants. */
function within(node: Node): Node[] {
  const found = [node];
  // The list grows while it is walked.
  for (const one of found)
    for (const value of Object.values(one)) {
      if (!Array.isArray(value)) {
        if (isNode(value)) found.push(value);
      } else for (const child of value) if (isNode(child)) found.push(child);
    }
  return found;
}

const isFunction = (node: unknown): node is Node =>
  isNode(node) && (node.type === "ArrowFunctionExpression" || node.type === "FunctionExpression");

function nameOf(callee: unknown): string {
  if (!isNode(callee)) return "";
  const name = callee.type === "MemberExpression" ? callee["property"] : callee;
  return isNode(name) && typeof name["name"] === "string" ? name["name"] : "";
}

/** The handlers of errors: a catch clause, or a function passed to `catch`, as second to `then`, or to `on("error")`. */
function handlersIn(node: Node): Node[] {
  if (node.type === "CatchClause") return [node];
  if (node.type !== "CallExpression") return [];
  const [first, second] = node["arguments"] as unknown[];
  const name = nameOf(node["callee"]);
  if (name === "catch" && isFunction(first)) return [first];
  if (name === "then" && isFunction(second)) return [second];
  const isErrorEvent = isNode(first) && first.type === "Literal" && first["value"] === "error";
  if (/^(?:on|once|addEventListener)$/.test(name) && isErrorEvent && isFunction(second)) return [second];
  return [];
}

/** True for a handler that uses its error, throws, counts, or reports. */
function speaks(handler: Node): boolean {
  const [param] = handler.type === "CatchClause" ? [handler["param"]] : (handler["params"] as unknown[]);
  const names = new Set(
    isNode(param)
      ? within(param)
          .map((one) => one["name"])
          .filter((one) => typeof one === "string")
      : [],
  );
  const body = handler["body"] as Node;
  return within(body).some(
    (one) =>
      one.type === "ThrowStatement" ||
      // It is counted.
      one.type === "UpdateExpression" ||
      (one.type === "Identifier" && names.has(one["name"] as string)) ||
      (one.type === "CallExpression" && REPORTS.test(nameOf(one["callee"]))),
  );
}

/**
 * Finds swallowed errors in a source: a handler that neither uses its error nor throws, counts or reports, without a
 * comment that says why. The comment is inside the handler, at the end of its last line, or directly above its first.
 * Returned as `file:line`.
 */
export function silentErrors(file: string, text: string): string[] {
  // Most files have none, and a tree is long.
  if (!/\bcatch\b|\bthen\b|["']error["']/.test(text)) return [];
  const { program, comments } = parseSync(file, text);
  const silent = within(program as unknown as Node)
    .flatMap(handlersIn)
    .filter((handler) => !speaks(handler));
  if (silent.length === 0) return [];
  const lineAt = (offset: number): number => text.slice(0, offset).split("\n").length;
  const spans = comments.map(({ start, end }) => ({ start, first: lineAt(start), last: lineAt(end) }));
  const isExplained = ({ start, end }: Node): boolean =>
    spans.some(
      (comment) =>
        (comment.start >= start && comment.start < end) ||
        (comment.start >= end && comment.first === lineAt(end)) ||
        (comment.start < start && comment.last === lineAt(start) - 1),
    );
  return silent.filter((handler) => !isExplained(handler)).map((handler) => `${file}:${lineAt(handler.start)}`);
}
