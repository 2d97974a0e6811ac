import type { Account } from "./account.ts";

/** Variables that the daemon gets besides its own settings. Others of root's, such as keys of other programs, stay with root. */
const PASSED = [
  "ANTHROPIC_API_KEY",
  "CLAUDE_CODE_OAUTH_TOKEN",
  "CREDENTIALS_DIRECTORY",
  "PATH",
  "LANG",
  "TZ",
  "TERM",
  "COLORTERM",
  "NO_COLOR",
  "FORCE_COLOR",
  "CI",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
];
const PREFIXES = ["HIVE_", "LC_"];

/** The daemon's complete environment. */
export function daemonEnvironment(
  env: NodeJS.ProcessEnv,
  fixed: { account: Account; state: string; program: string; credentials: string | undefined },
): Record<string, string> {
  const passed = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && (PASSED.includes(name) || PREFIXES.some((prefix) => name.startsWith(prefix))) ? [[name, value]] : [],
  );
  const { account, state, program, credentials } = fixed;
  return {
    ...(Object.fromEntries(passed) as Record<string, string>),
    HOME: state,
    USER: account.name,
    LOGNAME: account.name,
    HIVE_STATE_DIR: state,
    // The daemon sees its program elsewhere.
    HIVE_CHECKOUT: program,
    ...(credentials === undefined ? {} : { CREDENTIALS_DIRECTORY: credentials }),
  };
}
