import type { Barrier, Doubled } from "../barrier.ts";
import { agentBarriers } from "./agents.ts";
import { cageBarriers } from "./cage.ts";
import { copyBarriers } from "./copies.ts";
import { doubledBarriers } from "./doubled.ts";
import { doorBarriers } from "./doors.ts";
import { forgeBarriers } from "./forge.ts";
import { gateBarriers } from "./gate.ts";
import { gitBarriers } from "./git.ts";
import { hostBarriers } from "./host.ts";
import { loginBarriers } from "./login.ts";
import { modelBarriers } from "./model.ts";
import { networkBarriers } from "./network.ts";
import { sshBarriers } from "./ssh.ts";
import { upstreamBarriers } from "./upstream.ts";
import { w4rdenBarriers } from "./w4rden.ts";
import { webBarriers } from "./web.ts";

/** Every barrier that the campaign removes alone. */
export const barriers: readonly Barrier[] = [
  ...networkBarriers,
  ...doorBarriers,
  ...copyBarriers,
  ...loginBarriers,
  ...modelBarriers,
  ...gitBarriers,
  ...sshBarriers,
  ...upstreamBarriers,
  ...forgeBarriers,
  ...cageBarriers,
  ...agentBarriers,
  ...gateBarriers,
  ...webBarriers,
  ...hostBarriers,
  ...w4rdenBarriers,
];

/** Barriers that stand behind each other. */
export const doubled: readonly Doubled[] = doubledBarriers;
