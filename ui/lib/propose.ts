import { ApiError, call } from "./api.ts";
import { visible } from "./text.ts";
import type { Output } from "../../src/wire/operations.ts";

/**
 * Proposes the deployed config with changed texts. Resolves with the request's number. Files that `edit` returns
 * unchanged stay byte for byte: programs, links, and files that are not text. `edit` throws an Error to stop. Throws an
 * `ApiError` for a request that fails its check at once.
 */
export async function proposeFiles(
  agent: string,
  description: string,
  edit: (path: string, text: string) => string,
): Promise<number> {
  const { files } = await call("config", { name: agent });
  const answer = await call("propose", {
    agent,
    files: files.map(({ path, mode, text, base64 }) => ({
      path,
      ...(mode === undefined ? {} : { mode }),
      base64: base64 ?? toBase64(edit(path, text)),
    })),
    description,
  });
  return waiting(answer);
}

/** The number of a waiting request. Throws an `ApiError` for a request that failed its check at once. */
export function waiting({ request, refused }: Output<"propose">): number {
  if (refused !== undefined) throw new ApiError("bad_request", `request ${request} failed its check: ${visible(refused)}`);
  return request;
}

export function toBase64(text: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}
