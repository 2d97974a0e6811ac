import { MAX_PIECE_BYTES } from "../../wire/file-limits.ts";
import { openDownload } from "../open-download.ts";
import { actorOf } from "./caller.ts";
import type { Handlers } from "./types.ts";

type Names = "file_list" | "file_read" | "file_download" | "upload_start" | "upload_piece" | "upload_finish";

export const fileHandlers: Pick<Handlers, Names> = {
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
  async upload_start({ swarm, uploads }, { name, file, bytes }, caller) {
    return { upload: await uploads.start(swarm.byName(name), file, bytes, actorOf(caller)) };
  },
  async upload_piece({ uploads }, { upload, piece }, caller) {
    await uploads.piece(upload, Buffer.from(piece, "base64"), actorOf(caller));
    return {};
  },
  async upload_finish({ uploads, store, now }, { upload }, caller) {
    const actor = actorOf(caller);
    const { agent, path } = await uploads.finish(upload, actor);
    await store.write(() =>
      store.ledger.audit(store.nextSeq(), { at: now(), actor, kind: "file_sent", agent: agent.name, detail: { path } }),
    );
    return { path };
  },
};
