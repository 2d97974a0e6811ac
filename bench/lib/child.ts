import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** This bundle in another process, in another role. */
export interface Child {
  process: ChildProcess;
  /** Subscribes to the child's reports. */
  onMessage(listener: (message: never) => void): void;
  send(message: object | number): void;
  /** Rejects when the role ends before it is stopped: what waits for its report would wait for ever. */
  broke: Promise<never>;
  stop(): Promise<void>;
}

/** Starts a role. Resolves when it reports that it is ready. */
export async function startRole(role: string, argv: readonly string[]): Promise<Child> {
  const child = fork(process.argv[1] ?? "", ["--role", role, ...argv], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [first] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => Promise.reject(new Error(`the role ${role} ended before it was ready`))),
  ])) as [unknown];
  if (first !== "ready") throw new Error(`the role ${role} said ${JSON.stringify(first)}`);
  const broke = once(child, "exit").then(([code, signal]) =>
    Promise.reject(new Error(`the role ${role} ended (${code ?? signal}): its error is above`)),
  );
  // Only those that wait for a report hear it.
  broke.catch(() => {});
  return {
    process: child,
    onMessage: (listener) => void child.on("message", (message) => message !== "ready" && listener(message as never)),
    send: (message) => void child.send(message),
    broke,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

export const ready = (): void => void process.send?.("ready");
/** Nanoseconds of the clock that all processes of the machine share. */
export const nanoseconds = (): number => Number(process.hrtime.bigint());
