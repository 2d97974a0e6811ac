import { call } from "./api.ts";

/**
 * Proposes the deployed config with other texts; resolves with the number of the request. What `edit` returns unchanged
 * stays as it is, to the byte: programs, links, and files that are not text. `edit` throws an Error to stop.
 */
export async function proposeFiles(
  agent: string,
  description: string,
  edit: (path: string, text: string) => string,
): Promise<number> {
  const { files } = await call("config", { name: agent });
  const { request } = await call("propose", {
    agent,
    files: files.map(({ path, mode, text, base64 }) => ({
      path,
      ...(mode === undefined ? {} : { mode }),
      base64: base64 ?? toBase64(edit(path, text)),
    })),
    description,
  });
  return request;
}

export function toBase64(text: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}
