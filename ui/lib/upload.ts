import { MAX_FILE_NAME_CHARS, MAX_PIECE_BYTES, MAX_UPLOAD_BYTES } from "../../src/wire/file-limits.ts";
import { ApiError, call } from "./api.ts";

/** Sends a file to an agent's inbox, in pieces. Returns where the agent finds it. Throws `ApiError`. */
export async function upload(name: string, file: File): Promise<string> {
  if (file.size > MAX_UPLOAD_BYTES)
    throw new ApiError("too_large", `it has more than ${MAX_UPLOAD_BYTES / 1024 ** 2} MiB, and an agent is sent at most that`);
  const { upload: id } = await call("upload_start", { name, file: file.name.slice(-MAX_FILE_NAME_CHARS), bytes: file.size });
  for (let at = 0; at < file.size; at += MAX_PIECE_BYTES)
    await call("upload_piece", { upload: id, piece: await base64(file.slice(at, at + MAX_PIECE_BYTES)) });
  return (await call("upload_finish", { upload: id })).path;
}

/** The browser's own encoder writes `data:…;base64,` before it. */
function base64(part: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve((reader.result as string).replace(/^[^,]*,/, "")));
    reader.addEventListener("error", () => reject(new ApiError("unavailable", "the browser cannot read it any more")));
    reader.readAsDataURL(part);
  });
}
