/** The methods that a rule of an API door may name. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** A segment of a path as a rule names it. */
const SEGMENT = /^[A-Za-z0-9._~!$&'()+,=:@-]+$/;

/** A rule of an API door, in parts. */
export interface ApiRule {
  method: string;
  /** Segments of the path: a name, `*` for any one of them, and `**` at the end for one or more. */
  segments: readonly string[];
}

/** Reads a rule such as `GET /repos/*` or `GET /repos/**`. Undefined for anything else. */
export function apiRule(text: string): ApiRule | undefined {
  const [method = "", path, more] = text.split(" ");
  if (!METHODS.includes(method) || path === undefined || more !== undefined || !path.startsWith("/")) return undefined;
  if (path === "/") return { method, segments: [] };
  const segments = path.slice(1).split("/");
  const isWhole = segments.every(
    (segment, at) =>
      segment === "*" ||
      (segment === "**" && at === segments.length - 1) ||
      (SEGMENT.test(segment) && segment !== "." && segment !== ".."),
  );
  return isWhole ? { method, segments } : undefined;
}

/** True if a rule allows a call. `path` is decoded. */
export function ruleAllows(rule: ApiRule, method: string, path: readonly string[]): boolean {
  const { segments } = rule;
  if (rule.method !== method) return false;
  const isOpen = segments.at(-1) === "**";
  if (isOpen ? path.length < segments.length : path.length !== segments.length) return false;
  return segments.every((segment, at) => segment === "*" || segment === "**" || segment === path[at]);
}

/** True if calls that a rule allows only read. */
export const isReading = ({ method }: ApiRule): boolean => method === "GET" || method === "HEAD";

/** True if a rule may reach a GraphQL endpoint by its name: its one path carries everything that the API can do. */
export const isGraphql = ({ segments }: ApiRule): boolean => segments.some((segment) => /graphql/i.test(segment));
