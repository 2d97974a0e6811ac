import { z } from "zod";
import { apiRule } from "./api-rules.ts";
import { MAX_API_RULES, MAX_APIS } from "./config-limits.ts";
import { distinct, ProgramText, strict } from "./config-values.ts";
import { isEgressHost, neverReached } from "./egress-host.ts";
import { SecretName } from "./secrets.ts";

const MAX_API_URL_CHARS = 512;
const MAX_API_HEADER_CHARS = 256;
const MAX_API_RULE_CHARS = 512;

/** Headers that a door sets itself, or that would make the call another one. */
const NEVER_SET =
  /^(?:host|connection|content-(?:length|encoding|type)|transfer-encoding|te|trailer|upgrade|expect|accept(?:-.*)?|range|if-range|keep-alive|x-(?:http-)?method(?:-override)?|x-forwarded-.*|forwarded|x-original-.*|x-rewrite-.*|proxy-.*|sec-.*)$/;

const ApiName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,31}$/, "a door's name is 1 to 32 of a-z, 0-9 and '_': it becomes HIVE_API_<NAME>");

/** Why a text is not the address of an API; undefined if it is. */
function urlComplaint(text: string): string | undefined {
  const [, host = "", path = ""] = /^https:\/\/([^/]*)(\/.*)?$/.exec(text) ?? [];
  if (!isEgressHost(host) || host.includes("*"))
    return "it is https://, a host in lower case with an optional port, and an optional path: https://api.github.com";
  if (path !== "" && !/^(?:\/[A-Za-z0-9._~-]+)+$/.test(path))
    return "its path has only letters, digits and - . _ ~ and no / at its end";
  if (path.split("/").some((segment) => segment === "." || segment === "..")) return "its path has no . or .. segment";
  return neverReached(host);
}

/** Why a text is no header with a place for the secret; undefined if it is. */
function headerComplaint(text: string): string | undefined {
  const [, name = "", value] = /^([A-Za-z0-9-]+): ([\x20-\x7e]+)$/.exec(text) ?? [];
  if (value === undefined || value.trim() !== value || value.split("{}").length !== 2)
    return "it is a name, a colon, a space and a value with {} where the secret goes: authorization: Bearer {}";
  return NEVER_SET.test(name.toLowerCase()) ? `a door does not set ${name.toLowerCase()}` : undefined;
}

const checked = (text: z.ZodString, complaintOf: (value: string) => string | undefined) =>
  text.superRefine((value, context) => {
    const message = complaintOf(value);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });

/** An API that the agent's programs call through the hive, which adds the secret. */
const Api = strict({
  url: checked(ProgramText.max(MAX_API_URL_CHARS), urlComplaint),
  secret: SecretName,
  /** The header with the secret in place of `{}`. */
  header: checked(ProgramText.max(MAX_API_HEADER_CHARS), headerComplaint),
  /** What may be called: a method and a path below `url`. */
  allow: distinct(
    checked(ProgramText.max(MAX_API_RULE_CHARS), (rule) =>
      apiRule(rule)
        ? undefined
        : "a rule is GET, HEAD, POST, PUT, PATCH or DELETE, a space, and a path: /repos/* for one segment, /repos/** for any below",
    ),
    MAX_API_RULES,
  ),
});
export type Api = z.infer<typeof Api>;

/** API doors of an agent, by name. */
export const Apis = z
  .record(ApiName, Api)
  .refine((apis) => Object.keys(apis).length <= MAX_APIS, `at most ${MAX_APIS} doors fit`);

/** The variable with the address of a door. */
export const apiVariable = (name: string): string => `HIVE_API_${name.toUpperCase()}`;
