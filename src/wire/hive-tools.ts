/** Names of the hive's own tools, those of the manager included. The CLI knows them as `mcp__hive__<name>`. */
export const HIVE_TOOLS: readonly string[] = `
  send recv ask_operator set_status whoami list_agents start kill restart request_spawn request_apply_commit
  cancel_request update propose_change list_changes withdraw_change review_change
`
  .trim()
  .split(/\s+/);
