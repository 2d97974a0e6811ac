import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { moveRef, refObjects } from "../../os/git/refs.ts";
import type { Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import { copyHistory, type HistorySource } from "../git/import.ts";
import { packHistoryOf } from "../git/pack.ts";
import type { GitWorker } from "../git/worker.ts";
import type { Service } from "../remote/server.ts";
import { band, FLUSH, pkt } from "../transport/pkt-line.ts";
import { oneLine, writeReport } from "../transport/push-report.ts";
import { NONE, readPushHead } from "../transport/push-request.ts";

/** Bytes of what the hive asks for: some hundred commits. */
const MAX_ASKED_BYTES = 1024 * 1024;

const CAPABILITIES: Record<Service, string> = {
  "git-upload-pack": "ofs-delta thin-pack no-progress side-band-64k symref=HEAD:refs/heads/main",
  "git-receive-pack": "report-status side-band-64k ofs-delta",
};

/** A repository of the rehearsed host, as its git services see it. */
export interface ServedRepo {
  git: GitWorker;
  name: string;
  /** Its address, for people. */
  address: string;
}

/** The list of refs, in the form of protocol version 0. */
export async function advertise({ git, name }: ServedRepo, service: Service): Promise<Buffer> {
  const refs = await refObjects(git.folder(name), "refs/heads/");
  const head = refs.get("refs/heads/main");
  const all: [string, Sha][] = [...(head === undefined ? [] : [["HEAD", head] as [string, Sha]]), ...refs];
  const lines = all.map(([ref, sha], at) => pkt(`${sha} ${ref}${at === 0 ? `\0${CAPABILITIES[service]}` : ""}\n`));
  return Buffer.concat([...lines, FLUSH]);
}

/** Answers a fetch: the pack that is asked for. */
export async function* sendPack({ git, name }: ServedRepo, request: Readable): AsyncGenerator<Buffer, void, undefined> {
  let asked = "";
  for await (const chunk of request as AsyncIterable<Buffer>) {
    asked += chunk.toString("latin1");
    if (asked.length > MAX_ASKED_BYTES) throw new HiveError("too_large", "the fetch asks for too much at once");
  }
  const named = (word: string): Sha[] =>
    Array.from(asked.matchAll(new RegExp(`${word} ([0-9a-f]{40})`, "g")), ([, sha = ""]) => sha);
  yield pkt("NAK\n");
  for await (const chunk of packHistoryOf(git, name, { wants: named("want"), haves: named("have") })) yield band(1, chunk);
  yield FLUSH;
}

/** Answers a push: takes its objects, and moves its one branch by compare-and-swap. */
export async function* takePush(repo: ServedRepo, request: Readable): AsyncGenerator<Buffer, void, undefined> {
  const { git, name } = repo;
  const head = await readPushHead((request as AsyncIterable<Buffer>)[Symbol.asyncIterator]());
  const [command] = head.commands;
  if (command === undefined || head.commands.length > 1 || command.new === NONE)
    throw new HiveError("bad_request", "the rehearsed host takes one branch with each push");
  const folder = git.folder(name);
  const haves = [...(await refObjects(folder, "refs/heads/")).values()];
  await copyHistory(git, name, given(repo.address, head.rest), { wants: [command.new], haves });
  const expected = command.old === NONE ? undefined : command.old;
  const { ok } = await moveRef(folder, command.ref, command.new, expected);
  yield writeReport(head, { refs: new Map([[command.ref, ok ? undefined : oneLine("the branch has moved meanwhile")]]) });
}

/** Bytes of a pack that are there already, as a source of history. */
export function given(where: string, bytes: AsyncIterable<Buffer>): HistorySource {
  return {
    where,
    list: () => Promise.reject(new Error("it lists nothing")),
    send() {
      const pack = Readable.from(bytes, { objectMode: false });
      return { pack, ended: finished(pack, { writable: false }), end: () => void pack.destroy() };
    },
  };
}
