import type { CageExit } from "../../platforms/port.ts";
import type { Screen } from "./screen.ts";

/** The CLI's flow for a long-lived token, while it runs. */
export interface LoginFlow {
  readonly screen: Pick<Screen, "address" | "token" | "failure" | "lastWords">;
  /** Resolves when the flow has ended and the screen has all that it printed. */
  readonly ended: Promise<CageExit>;
  /** Resolves with the first value of `look` that is not undefined. It is asked now and after each output. */
  until<T>(look: () => T | undefined): Promise<T>;
  /** Pastes a text and presses Enter once the flow has shown it. */
  enter(text: string): Promise<void>;
  /** Ends the flow, and removes the cage with all its files. */
  remove(): Promise<void>;
}
