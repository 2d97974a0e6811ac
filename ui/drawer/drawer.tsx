import { Fragment, type ReactNode } from "react";
import { Sheet } from "../kit/dialog.tsx";
import { visible } from "../lib/text.ts";
import { AGENT_DRAWERS, type AgentDrawer } from "../routes.ts";
import { SpawnForm } from "../dashboard/spawn-form.tsx";
import { CheckLog } from "../work/check-log.tsx";
import { NewRepo } from "../work/new-repo.tsx";
import { Config } from "./config.tsx";
import { Cost } from "./cost.tsx";
import { Credentials } from "./credentials.tsx";
import { Deploys } from "./deploys.tsx";
import { Limits } from "./limits.tsx";
import { Logs } from "./logs.tsx";
import { Secrets } from "./secrets.tsx";
import { ModelLogin } from "./model-login.tsx";
import { Thread } from "./thread.tsx";
import { You } from "./you.tsx";
import { TurnTable } from "./turn-table.tsx";

const AGENT_PANELS: Record<AgentDrawer, { title: string; show: (name: string, request?: number) => ReactNode }> = {
  logs: { title: "cage log", show: (name) => <Logs name={name} /> },
  config: { title: "deployed config", show: (name, request) => <Config name={name} from={request} /> },
  deploys: { title: "deploys", show: (name) => <Deploys name={name} /> },
  cost: { title: "cost", show: (name) => <Cost name={name} /> },
  turns: { title: "turns", show: (name) => <TurnTable name={name} /> },
};

/**
 * The drawer named in the address: `logs:<name>`, `config:<name>`, `config:<name>:<request>`, `deploys:<name>`, `cost:<name>`, `turns:<name>`,
 * `thread:<id>`, `check:<change>`, `cost`, `spawn`, `repo`, `login`, `you`, `secrets`, `credentials`, `limits`, `limits:<scope>`,
 * `limits:<scope>:<name>`.
 */
export function Drawer({ open, onClose }: { open: string; onClose: () => void }): ReactNode {
  const [what = "", rest, request] = open.split(":");
  if (what === "spawn") return <SpawnForm onClose={onClose} />;
  if (what === "thread" && rest !== undefined) {
    return (
      <Sheet isOpen onClose={onClose} title={`thread of message ${visible(rest)}`} isDrawer>
        <Thread key={rest} id={Number(rest)} />
      </Sheet>
    );
  }
  if (what === "login") return <ModelLogin onClose={onClose} />;
  if (what === "you") return <You onClose={onClose} />;
  if (what === "secrets")
    return (
      <Sheet isOpen onClose={onClose} title="secrets" isDrawer>
        <Secrets />
      </Sheet>
    );
  if (what === "credentials")
    return (
      <Sheet isOpen onClose={onClose} title="credentials for the model" isDrawer>
        <Credentials />
      </Sheet>
    );
  if (what === "limits")
    return (
      <Sheet isOpen onClose={onClose} title="limits" isDrawer>
        <Limits key={open} of={open.slice("limits:".length)} />
      </Sheet>
    );
  if (what === "repo") return <NewRepo onClose={onClose} />;
  if (what === "check" && rest !== undefined) {
    return (
      <Sheet isOpen onClose={onClose} title={`check of change ${visible(rest)}`} isDrawer>
        <CheckLog key={rest} id={Number(rest)} />
      </Sheet>
    );
  }
  if (what === "cost" && rest === undefined) {
    return (
      <Sheet isOpen onClose={onClose} title="every agent · cost" isDrawer>
        <Cost />
      </Sheet>
    );
  }
  const known = AGENT_DRAWERS.find((one) => one === what);
  const panel = known && AGENT_PANELS[known];
  if (!panel || rest === undefined) return null;
  const of = Number(request);
  const isOf = known === "config" && Number.isSafeInteger(of) && of > 0;
  return (
    <Sheet isOpen onClose={onClose} title={`${visible(rest)} · ${isOf ? `request ${of}` : panel.title}`} isDrawer>
      <Fragment key={open}>{panel.show(rest, isOf ? of : undefined)}</Fragment>
    </Sheet>
  );
}
