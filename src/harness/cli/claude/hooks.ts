import type { HookCallback, Options } from "@anthropic-ai/claude-agent-sdk";

/** Hooks that add words to the result of a tool, whether it succeeded or not. `take` returns undefined for none. */
export function resultHooks(take: () => string | undefined): NonNullable<Options["hooks"]> {
  const add: HookCallback = async ({ hook_event_name: event }) => {
    const words = take();
    if (words === undefined || (event !== "PostToolUse" && event !== "PostToolUseFailure")) return {};
    return { hookSpecificOutput: { hookEventName: event, additionalContext: words } };
  };
  return { PostToolUse: [{ hooks: [add] }], PostToolUseFailure: [{ hooks: [add] }] };
}
