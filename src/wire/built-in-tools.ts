/**
 * Names of the CLI's own tools, for advice on rules: those that it offers (2.1), and the earlier names that its rules
 * still understand. A name that is missing here is marked and not refused: the CLI may be newer.
 */
export const BUILT_IN_TOOLS: readonly string[] = `
  Agent AskUserQuestion Bash BashOutput CronCreate CronDelete CronList Edit EnterPlanMode EnterWorktree
  ExitPlanMode ExitWorktree Glob Grep KillBash KillShell LS LSP ListAgents ListMcpResourcesTool Monitor
  MultiEdit NotebookEdit NotebookRead PushNotification Read ReadMcpResourceTool RemoteTrigger
  ReportFindings ScheduleWakeup SendMessage Skill SlashCommand Task TaskCreate TaskGet TaskList TaskOutput
  TaskStop TaskUpdate TodoWrite ToolSearch WebFetch WebSearch Workflow Write
`
  .trim()
  .split(/\s+/);
