import { call } from "./api.ts";

/** Makes the workspace of an agent again that is not ready. Returns what to tell. */
export async function retryWorkspace(name: string): Promise<string> {
  await call("workspace_retry", { name });
  return `the workspace of ${name} is made again`;
}

/** Lets an agent go on although its workspace is not ready. Returns what to tell. */
export async function skipWorkspace(name: string): Promise<string> {
  await call("workspace_skip", { name });
  return `${name} goes on as its workspace is`;
}
