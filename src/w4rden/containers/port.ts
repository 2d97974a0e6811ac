import type { ContainerStartRequest } from "../../wire/w4rden.ts";

/** A container that was started. */
export interface StartedContainer {
  /** Its folder in memory, with the file that says how it ended. */
  folder: string;
  /** Its first process. Undefined if it has ended by now. */
  pid: number | undefined;
}

/** What the helper does with the containers of its hive. Refusals have words for the operator. */
export interface HiveContainers {
  /** Starts a container. Resolves when its system is up, or has ended after its program ran. Throws a `Refusal` with the reason. */
  start(request: ContainerStartRequest): Promise<StartedContainer>;
  /** Kills every process of a container. Resolves when its end is recorded and its binds are removed. */
  kill(agent: string): Promise<void>;
  /** Removes a container that does not run. */
  destroy(agent: string): Promise<void>;
  /** The command that prints the journal of a container. */
  logs(agent: string, lines: number, follow: boolean): [program: string, argv: string[]];
}
