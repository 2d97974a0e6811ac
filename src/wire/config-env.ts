/**
 * A group of variables that the same programs read. Every name in a group is steering, except those that `plain`
 * matches.
 */
interface Group {
  names: RegExp;
  /** What a variable of the group does; completes a sentence that starts with "it". */
  does: string;
  /** Names of the group that only set a value. */
  plain?: RegExp;
}

/**
 * Variables that the hive, Claude Code or a program that Claude Code starts obeys: they could make it load or run
 * something, or change the hosts that it connects to. `env` of `agent.json` may not set them.
 */
const RESERVED: readonly Group[] = [
  { names: /^HIVE_|^(?:PATH|HOME|SHELL|TMPDIR|MCP_TIMEOUT|DISABLE_AUTOUPDATER)$/, does: "is set by the harness" },
  {
    names: /^(?:ANTHROPIC|CLAUDE|CCR_|SELF_HOSTED_RUNNER_|SESSION_INGRESS_|OTEL_|BETA_TRACING_|SDK_|MCP_|IS_SANDBOX$)/,
    does: "steers Claude Code",
    plain: /^MCP_TOOL_TIMEOUT$/,
  },
  {
    names: /^(?:NODE|BUN_|NPM_)/,
    does: "makes the runtime of Claude Code load or run something",
    // Read by no program itself: a `.npmrc` names them.
    plain: /^(?:NPM_TOKEN|NODE_AUTH_TOKEN)$/,
  },
  { names: /^(?:LD_|GLIBC_TUNABLES$|GCONV_PATH$|LOCPATH$)/, does: "makes every program load something" },
  { names: /_PROXY$|^(?:SSL_|HOSTALIASES$)/, does: "changes where programs talk to, or whom they trust" },
  {
    names: /^(?:BASH|ENV$|SHELLOPTS$|PROMPT_COMMAND$|PS[0-4]$|IFS$|CDPATH$|ZDOTDIR$|FPATH$)/,
    does: "makes each shell run something, or read commands in another way",
    plain: /^BASH_(?:DEFAULT_TIMEOUT_MS|MAX_TIMEOUT_MS|MAX_OUTPUT_LENGTH)$/,
  },
  {
    names: /^(?:GIT_|SSH_|XDG_CONFIG_)/,
    does: "makes git or ssh, which Claude Code runs, load or run something",
    plain: /^GIT_(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL|DATE)$/,
  },
];

/** Variables that make programs of the agent load or run something, or connect to another host. */
const STEERING: readonly Group[] = [
  {
    names: /^PYTHON/,
    does: "makes python load or run something",
    plain: /^PYTHON(?:UNBUFFERED|DONTWRITEBYTECODE|UTF8|IOENCODING|HASHSEED)$/,
  },
  { names: /^PERL/, does: "makes perl load or run something" },
  { names: /^(?:RUBY|GEM_|BUNDLE_)/, does: "makes ruby load or run something" },
  {
    names: /^(?:JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|_JAVA_OPTIONS|CLASSPATH|MAVEN_|GRADLE_)/,
    does: "makes java load or run something",
  },
  {
    names: /^(?:LUA_|PHPRC$|PHP_INI_|R_PROFILE|R_ENVIRON|OPENSSL_|MAKEFLAGS$|GOFLAGS$|RUSTC|CARGO_|DENO_)/,
    does: "makes a program load or run something",
  },
  { names: /(?:^|_)(?:EDITOR|VISUAL|PAGER|BROWSER|ASKPASS|LESSOPEN|LESSCLOSE)$/, does: "is run by other programs" },
  { names: /^(?:PIP_|UV_|GOPROXY$|GONOSUMDB$|COREPACK_)/, does: "changes where packages come from" },
  { names: /_CA_(?:BUNDLE|CERTS|FILE|PATH)$|^(?:CURL_HOME|WGETRC)$/, does: "changes whom programs trust" },
];

/** Names of variables that usually have a credential. */
const CREDENTIAL_NAMES = /(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|API_?KEY|ACCESS_KEY|PRIVATE_KEY)(?:$|_)/;
/** How the tokens of well-known services and private keys begin. */
const CREDENTIAL_VALUES =
  /^(?:gh[pousr]_|github_pat_|glpat-|sk-|xox[abeprs]-|xapp-|AKIA|ASIA|AIza|npm_|pypi-|dop_v1_|hf_|eyJ[\w-]+\.eyJ|-----BEGIN [A-Z ]*PRIVATE KEY)|^[a-z]+:\/\/[^/@\s:]+:[^/@\s]+@/;

/** True if a variable of a config probably has a credential, by its name or its value. */
export const looksLikeCredential = (name: string, value: string): boolean =>
  CREDENTIAL_VALUES.test(value) || (value.length >= 8 && CREDENTIAL_NAMES.test(name));

const inGroup = (groups: readonly Group[], name: string): string | undefined =>
  groups.find((group) => group.names.test(name) && group.plain?.test(name) !== true)?.does;

/**
 * Why `env` of `agent.json` may not set a variable; completes a sentence that starts with "it". Undefined if it may.
 */
export const whyReserved = (name: string): string | undefined => inGroup(RESERVED, name);

/** A warning for a secret with a name that no agent's environment may have: only an API door can use it. */
export function secretWarning(name: string): string | undefined {
  const why = whyReserved(name);
  return why === undefined
    ? undefined
    : `no agent can have it in its environment: a variable of this name ${why}; keep it under another name, unless it is for an API door`;
}

/**
 * What a variable does beyond setting a value; completes a sentence that starts with "it". Undefined if no effect is
 * known. Reserved variables also steer programs that the agent starts.
 */
export const whatItSteers = (name: string): string | undefined => inGroup(RESERVED, name) ?? inGroup(STEERING, name);
