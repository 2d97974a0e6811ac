import { LAUNCH_ENV } from "../../os/launch-env.ts";
import { startChild } from "../../os/run.ts";
import type { ContainerLogsRequest } from "../../wire/w4rden.ts";
import type { HiveContainers } from "../containers/port.ts";
import type { VerbContext } from "../context.ts";
import { Refusal } from "../refusal.ts";
import type { Started } from "./export.ts";

/** The containers of this hive. Refused where cages are no containers, so that such a helper starts none. */
export function containersOf({ containers }: Pick<VerbContext, "containers">): HiveContainers {
  if (!containers) throw new Refusal("the cages of this hive are no containers of the host");
  return containers;
}

/** Prints the journal of a container. */
export function containerLogs({ agent, lines, follow }: ContainerLogsRequest, context: VerbContext): Started {
  const [program, argv] = containersOf(context).logs(agent, lines, follow);
  return { owner: context.account, child: startChild(program, argv, { env: LAUNCH_ENV, cwd: "/" }), release: () => {} };
}
