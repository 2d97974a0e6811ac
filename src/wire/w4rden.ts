import { z } from "zod";
import { Sha } from "./approval.ts";
import { OperatorName } from "./names.ts";
import { BranchName, RepoName } from "./work.ts";

/** What the daemon may ask of `hive-w4rden`: one request for each connection. The helper trusts nothing that it is sent. */

/** Where the daemon finds the helper, in its own mount namespace. Only root can make it. */
export const W4RDEN_PLACE = "/run/hive-w4rden";
export const W4RDEN_SOCKET = `${W4RDEN_PLACE}/w4rden.sock`;

/** The value of HIVE_DRIVER with which root's helper starts containers. */
export const CONTAINER_DRIVER = "nixos-container";

/** Bytes of a request: paths, names and numbers. A container's folders are the most: up to `MAX_CONTAINER_BINDS`. */
export const MAX_REQUEST_BYTES = 64 * 1024;
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

/** Folders of one container: those of every cage, and repositories and mounts. */
const MAX_CONTAINER_BINDS = 128;
/** The smallest and the largest memory of a container. Bytes. */
const [MIN_MEMORY_BYTES, MAX_MEMORY_BYTES] = [16 * 1024 ** 2, 2 ** 40];

/** The id of an agent. */
const AgentId = z.string().regex(/^[a-z0-9]{1,32}$/);
/**
 * A path in a container. It becomes a word of systemd-nspawn's command, which a shell splits: no character means
 * anything to a shell, to a service manager or in a list of options.
 */
export const CageTarget = z
  .string()
  .max(MAX_PATH_CHARS)
  .regex(/^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)+$/, "its names have letters, digits, '.', '_' and '-' only")
  .refine(
    (path) => !/^\/(?:nix|proc|sys|dev|etc|usr|s?bin|lib(?:x?32|64)?|run(?!\/hive(?:-cage)?(?:\/|$)))(?:\/|$)/.test(path),
    "this path belongs to the container's system",
  );
/** A system that was built: a path of the store itself. */
const StorePath = z.string().regex(/^\/nix\/store\/[0-9a-z]{32}-[A-Za-z0-9+._?=-]{1,200}$/, "it is a path of the Nix store");

/** Starts the container of an agent. It goes on when the connection ends. */
const ContainerStartRequest = z.strictObject({
  verb: z.literal("container_start"),
  agent: AgentId,
  /** The host's name in the container. */
  hostname: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  /** The user that owns the agent's files on disk: one of the hive's range. */
  uid: Id,
  /** The system that it boots. */
  system: StorePath,
  binds: z
    .array(z.strictObject({ folder: HostFolder, cage: CageTarget, mode: z.enum(["ro", "rw"]), owner: Ids.optional() }))
    .max(MAX_CONTAINER_BINDS),
  /** The file of the hive that gets its output. */
  log: HostFolder,
  memory_bytes: z.int().min(MIN_MEMORY_BYTES).max(MAX_MEMORY_BYTES),
  cpu_percent: z.int().min(1).max(100_000),
  pids: z.int().min(1).max(100_000),
});
/** Kills every process of a container, and waits until it has ended. */
const ContainerKillRequest = z.strictObject({ verb: z.literal("container_kill"), agent: AgentId });
/** Removes a container that does not run: its configuration, its system and what it kept outside of its folders. */
const ContainerDestroyRequest = z.strictObject({ verb: z.literal("container_destroy"), agent: AgentId });
/** Prints what the container and the service manager have logged last. With `follow`, until the caller ends its side of the connection. */
const ContainerLogsRequest = z.strictObject({
  verb: z.literal("container_logs"),
  agent: AgentId,
  lines: z.int().min(1).max(1000),
  follow: z.boolean(),
});

export const W4rdenRequest = z.discriminatedUnion("verb", [
  MountRequest,
  ExportRequest,
  DeliverRequest,
  GiveSocketRequest,
  GiveProxySocketRequest,
  ContainerStartRequest,
  ContainerKillRequest,
  ContainerDestroyRequest,
  ContainerLogsRequest,
]);
export type W4rdenRequest = z.infer<typeof W4rdenRequest>;
export type MountRequest = z.infer<typeof MountRequest>;
export type ExportRequest = z.infer<typeof ExportRequest>;
export type DeliverRequest = z.infer<typeof DeliverRequest>;
export type GiveSocketRequest = z.infer<typeof GiveSocketRequest>;
export type ContainerStartRequest = z.infer<typeof ContainerStartRequest>;
export type ContainerLogsRequest = z.infer<typeof ContainerLogsRequest>;

/** What the helper says first, if it carries the request out. */
export const W4rdenStarted = z.object({
  /** The owner of the folder. */
  owner: z.object({ uid: z.int(), gid: z.int() }),
  /** Where a mount is; the folder of a container's state. */
  path: z.string().optional(),
  /** The first process of a container. Absent if it has ended by now. */
  pid: z.int().optional(),
});
export type W4rdenStarted = z.infer<typeof W4rdenStarted>;
/** What it says last: how its program ended, or why it refuses. */
export const W4rdenEnded = z.object({ code: z.int().optional(), error: z.string().optional() });
export type W4rdenEnded = z.infer<typeof W4rdenEnded>;
