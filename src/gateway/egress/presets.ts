/** Lists of hosts that belong together. */
export const EGRESS_PRESETS = {
  /**
   * What `claude setup-token` connects to: the exchange of the code for a token, then the account's profile and the
   * settings of its organization.
   */
  "claude-login": ["platform.claude.com:443", "api.anthropic.com:443"],
} as const;
