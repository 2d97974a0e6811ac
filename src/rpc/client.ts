import { operations } from "../wire/operations.ts";
import { connectWith, type ConnectOptions, type LineClient } from "./line-client.ts";

export { ConnectionLost, type LineClient } from "./line-client.ts";

/** Connects to a Unix socket and can call everything that the contract has. */
export function connectLines(path: string, options?: ConnectOptions): Promise<LineClient> {
  return connectWith(operations, path, options);
}
