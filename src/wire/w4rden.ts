import { z } from "zod";
import { Sha } from "./approval.ts";
import { OperatorName } from "./names.ts";
import { BranchName, RepoName } from "./work.ts";

/** What the daemon may ask of `hive-w4rden`: one request for each connection. The helper trusts nothing that it is sent. */

/** Where the daemon finds the helper, in its own mount namespace. Only root can make it. */
export const W4RDEN_PLACE = "/run/hive-w4rden";
export const W4RDEN_SOCKET = `${W4RDEN_PLACE}/w4rden.sock`;

/** Bytes of a request: a path, a name and numbers. */
export const MAX_REQUEST_BYTES = 8 * 1024;
const MAX_PATH_CHARS = 4096;
const MAX_ID = 0x7fff_fffe;

/** An absolute path in its only form: no empty parts, no `.` and no `..`. */
const HostFolder = z
  .string()
  .max(MAX_PATH_CHARS)
  // oxlint-disable-next-line no-control-regex
  .regex(/^(?:\/(?!\.{1,2}(?:\/|$))[^/\u0000-\u001f]+)+$/, "it is an absolute path in its shortest form");
const Id = z.int().min(1).max(MAX_ID);
const Ids = z.strictObject({ uid: Id, gid: Id });

/** Binds a folder of the host, as long as the connection is open. The folder has to be in root's list of mounts. */
const MountRequest = z.strictObject({
  verb: z.literal("mount"),
  folder: HostFolder,
  mode: z.enum(["ro", "rw"]),
  /** Maps the owner of the folder to an agent. */
  map: z.strictObject({ owner: Ids, agent: Id }).optional(),
});
/** Reads a repository that its owner has exported, as that owner. */
const ExportRequest = z.strictObject({
  verb: z.literal("export"),
  folder: HostFolder,
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  what: z.enum(["check", "refs", "pack"]),
});
/** Makes `hive/<branch>` of a repository that its owner has exported a commit of a repository of the hive. */
const DeliverRequest = z.strictObject({
  verb: z.literal("deliver"),
  folder: HostFolder,
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  repo: RepoName,
  branch: BranchName,
  sha: Sha,
  clean: z.boolean(),
});

/** Gives the socket of an operator to its Unix user. */
const GiveSocketRequest = z.strictObject({ verb: z.literal("give_socket"), operator: OperatorName, uid: Id });

/** Gives the socket of the trusted proxy to the Unix user that root has named. */
const GiveProxySocketRequest = z.strictObject({ verb: z.literal("give_proxy_socket") });

export const W4rdenRequest = z.discriminatedUnion("verb", [
  MountRequest,
  ExportRequest,
  DeliverRequest,
  GiveSocketRequest,
  GiveProxySocketRequest,
]);
export type W4rdenRequest = z.infer<typeof W4rdenRequest>;
export type MountRequest = z.infer<typeof MountRequest>;
export type ExportRequest = z.infer<typeof ExportRequest>;
export type DeliverRequest = z.infer<typeof DeliverRequest>;
export type GiveSocketRequest = z.infer<typeof GiveSocketRequest>;

/** What the helper says first, if it carries the request out. */
export const W4rdenStarted = z.object({
  /** The owner of the folder. */
  owner: z.object({ uid: z.int(), gid: z.int() }),
  /** Where a mount is. */
  path: z.string().optional(),
});
export type W4rdenStarted = z.infer<typeof W4rdenStarted>;
/** What it says last: how its program ended, or why it refuses. */
export const W4rdenEnded = z.object({ code: z.int().optional(), error: z.string().optional() });
export type W4rdenEnded = z.infer<typeof W4rdenEnded>;
