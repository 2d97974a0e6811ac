import { useNavigate } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import type { Output } from "../../src/wire/operations.ts";
import { isInTurn } from "../agent/cancel.tsx";
import { retryWorkspace, skipWorkspace } from "../lib/workspace.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { Confirm } from "../kit/lazy.tsx";
import { MenuButton } from "../kit/menu-button.tsx";
import type { MenuEntry } from "../kit/row-menu.tsx";
import { toast } from "../kit/toast.tsx";
import { ApiError, call } from "../lib/api.ts";

type Asked = "kill" | "destroy" | "purge";
const ASKS: Record<Asked, { title: string; words: string; button: string }> = {
  kill: {
    title: "kill",
    words: "Its cage ends at once. A message in its turn goes back to its inbox and is delivered again.",
    button: "kill",
  },
  destroy: {
    title: "destroy",
    words: "Its cage ends. Notes, session and history are kept and it can be revived.",
    button: "destroy, keep its state",
  },
  purge: {
    title: "purge",
    words:
      "Its cage ends, and its notes, its session and its config are removed for good. Messages and turns stay in the history.",
    button: "purge for good",
  },
};

/** The most likely action, and the others behind a menu. */
export function RowActions({ agent }: { agent: AgentView }): ReactNode {
  const [asked, setAsked] = useState<Asked>();
  // Number of running actions from the menu. The menu has closed by then, so its button shows them.
  const [underway, setUnderway] = useState(0);
  const navigate = useNavigate();
  const { name } = agent;
  const act = (run: () => Promise<unknown>, words: string) => () => {
    setUnderway((n) => n + 1);
    run()
      .then(
        () => toast(words),
        (error: unknown) => toast(error instanceof ApiError ? error.message : "that did not work", "error"),
      )
      .finally(() => setUnderway((n) => n - 1));
  };
  const open = (what: string) => () => void navigate({ to: "/", search: (search) => ({ ...search, open: `${what}:${name}` }) });
  const running: MenuEntry[] = [
    {
      words: agent.paused ? "resume" : "pause",
      needs: "set_paused",
      run: act(() => pauseAgent(agent), agent.paused ? `${name} resumed` : `${name} is paused; its messages queue`),
    },
    { words: "restart", run: act(() => call("restart", { name }), `${name} restarts`), needs: "restart" },
    { words: "stop, let the turn finish", run: act(() => stopAgent(name), `${name} stops`), needs: "stop" },
    { words: "kill…", run: () => setAsked("kill"), isDanger: true, needs: "kill" },
  ];
  const entries: MenuEntry[] = [
    { words: "open its page", run: () => void navigate({ to: "/agent/$name", params: { name } }) },
    { words: "logs", run: open("logs") },
    { words: "config", run: open("config") },
    { words: "limits", run: open("limits:agent") },
    { words: "deploys and roll back", run: open("deploys") },
    { words: "rebuild", run: act(() => call("rebuild", { name }), `${name} is being rebuilt`), needs: "rebuild" },
    ...(isInTurn(agent)
      ? [
          {
            words: "cancel the turn",
            run: act(() => cancelTurn(name), `the turn of ${name} is cancelled`),
            needs: "cancel" as const,
          },
        ]
      : []),
    ...(agent.unready_workspace
      ? [
          {
            words: "make the workspace again",
            run: act(() => retryWorkspace(name), `the workspace of ${name} is made again`),
            needs: "workspace_retry" as const,
          },
          {
            words: "go on without the workspace",
            run: act(() => skipWorkspace(name), `${name} goes on as its workspace is`),
            needs: "workspace_skip" as const,
          },
        ]
      : []),
    ...(agent.running ? running : []),
    ...(agent.role === "manager"
      ? []
      : [
          { words: "destroy…", run: () => setAsked("destroy"), isDanger: true, needs: "destroy" as const },
          { words: "destroy and purge…", run: () => setAsked("purge"), isDanger: true, needs: "destroy" as const },
        ]),
  ];
  const ask = asked && ASKS[asked];
  return (
    <span className="acts">
      {agent.running ? (
        <Allowed to="set_paused">
          <Action kind="ghost" run={() => pauseAgent(agent)}>
            {agent.paused ? "resume" : "pause"}
          </Action>
        </Allowed>
      ) : (
        <Allowed to="start">
          <Action run={() => startAgent(name)}>start</Action>
        </Allowed>
      )}
      <button type="button" className="ghost wide" onClick={open("logs")}>
        logs
      </button>
      <MenuButton label={`more for ${name}`} entries={entries} isBusy={underway > 0} />
      <Confirm
        isOpen={ask !== undefined}
        onClose={() => setAsked(undefined)}
        title={`${ask?.title ?? ""} ${name}?`}
        words={ask?.words ?? ""}
      >
        <button
          type="button"
          className="no"
          onClick={() => {
            setAsked(undefined);
            if (asked === "kill") act(() => call("kill", { name }), `${name} is stopped`)();
            else if (asked) act(() => call("destroy", { name, purge: asked === "purge" }), `${name} is gone`)();
          }}
        >
          {ask?.button}
        </button>
      </Confirm>
    </span>
  );
}

/** Starts one agent. Its refusal becomes an error. */
export async function startAgent(name: string): Promise<string> {
  return ofOne(await call("start", { scope: { agent_names: [name] } }), `${name} starts`);
}

async function stopAgent(name: string): Promise<string> {
  return ofOne(await call("stop", { scope: { agent_names: [name] }, graceful: true }), `${name} stops`);
}

/** Cancels the running turn and drops its message. Reports a turn that had already ended. */
async function cancelTurn(name: string): Promise<void> {
  const { cancelled } = await call("cancel", { name, return: false });
  if (!cancelled) throw new ApiError("conflict", "no turn was running");
}

/** The result for the single agent of a scope. */
function ofOne({ results: [result] }: Output<"start">, words: string): string {
  if (result && !result.ok) throw new ApiError("unavailable", result.error ?? "that did not work");
  return words;
}

/** Pauses or resumes an agent. */
export async function pauseAgent({ name, paused }: AgentView): Promise<string> {
  await call("set_paused", { name, paused: !paused });
  return paused ? `${name} resumed` : `${name} is paused; its messages queue`;
}
