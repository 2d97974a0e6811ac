import { MAX_PIECE_BYTES } from "../../wire/files.ts";
import { openDownload } from "../open-download.ts";
import { actorOf } from "./caller.ts";
import type { Handlers } from "./types.ts";

export const fileHandlers: Pick<Handlers, "file_list" | "file_read" | "file_download"> = {
  file_list: ({ swarm, files }, { name, path }) => files.list(swarm.byName(name), path),
  async file_read({ swarm, files }, { name, path }) {
    return { file: await files.read(swarm.byName(name), path) };
  },
  async *file_download(context, input, caller) {
    const ended = caller.kind === "operator" ? caller.ended : new AbortController().signal;
    const { head, pieces, close } = await openDownload(context, input, actorOf(caller), ended);
    try {
      yield head;
      for await (const bytes of pieces())
        for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES)
          yield { piece: bytes.toString("base64", at, Math.min(bytes.length, at + MAX_PIECE_BYTES)) };
      yield { done: true };
    } finally {
      close();
    }
  },
};
