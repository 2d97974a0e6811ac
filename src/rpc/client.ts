import { operations } from "../wire/operations.ts";
import { connectWith, type ConnectOptions, type LineClient } from "./line-client.ts";

export { ConnectionLost, type LineClient } from "./line-client.ts";

/** Connects to a Unix socket with the whole contract. */
export function connectLines(path: string, options?: ConnectOptions): Promise<LineClient> {
  return connectWith(operations, path, options);
}
