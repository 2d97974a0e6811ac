import { statSync } from "node:fs";
import { join } from "node:path";
import { PERSON, ROOT, type DaemonPlace } from "../daemon-place.ts";
import type { OutsideRow } from "../row.ts";

/** A daemon that has been taken over, and wants to be root. */

const MAPS = "the maps of the daemon's user namespace";
const CAPABILITIES = "capabilities count in the daemon's own namespace only";
const FILES = "root's files belong to an unmapped user in the namespace";
const HELPER = "the helper's own validation";
const DENIED = /Permission denied/;
const NOT_PERMITTED = /Operation not permitted/;

type Row = OutsideRow<DaemonPlace>;
const row = (id: string, attempt: string, barrier: string, script: string, refusal: RegExp): Row => ({
  id: `daemon-${id}`,
  from: "daemon",
  attempt,
  barrier,
  refusal,
  run: (place) => place.sh(script),
});
const ask = (id: string, attempt: string, request: object | string, refusal: RegExp): Row => ({
  id: `daemon-ask-${id}`,
  from: "daemon",
  attempt,
  barrier: HELPER,
  refusal,
  run: (place) => place.ask(request),
});

const NONCE = "0123456789abcdef0123456789abcdef";
const mount = (more: object): object => ({ verb: "mount", folder: "$FOLDER/listed", mode: "ro", ...more });

const container = (more: object): object => ({
  verb: "container_start",
  agent: "a1",
  hostname: "h-scout",
  uid: "$FIRST",
  system: `/nix/store/${"b".repeat(32)}-system`,
  binds: [],
  log: "$FOLDER/cage.log",
  memory_bytes: 1024 ** 3,
  cpu_percent: 100,
  pids: 100,
  ...more,
});

/** Makes the socket of an operator, which stays when its program has ended. */
const makeSocket = (operator: string): string =>
  `mkdir -p "$STATE/run/operators" && /run/hive-w4rden/node -e 'require("net").createServer().listen(process.argv[1], () => process.exit())' "$STATE/run/operators/${operator}.sock"`;

export const daemonRows: readonly Row[] = [
  row("shadow", "read the passwords of the host", FILES, "cat /etc/shadow", DENIED),
  row("root-file", "read a file of root", FILES, 'cat "$FOLDER/secret"', DENIED),
  row("chown-person", "give a file to a person", MAPS, 'touch "$STATE/gift"; chown 1000 "$STATE/gift"', /Invalid argument/),
  row(
    "chown-below",
    "give a file to a uid below the hive's",
    MAPS,
    'touch "$STATE/gift"; chown $((FIRST - 1)) "$STATE/gift"',
    /Invalid argument/,
  ),
  row(
    "chown-above",
    "give a file to a uid above the hive's",
    MAPS,
    'touch "$STATE/gift"; chown $((FIRST + 16384)) "$STATE/gift"',
    /Invalid argument/,
  ),
  row("become-person", "become a person", MAPS, "setpriv --reuid 1000 --clear-groups true", /Invalid argument/),
  row("etc-write", "allow itself another mount", FILES, 'echo / >> "$ETC/mounts"', DENIED),
  row("record-write", "choose another range of uids", FILES, 'rm -f "$ETC"/hives/*', DENIED),
  row(
    "setns-init",
    "enter the namespaces of the first process",
    CAPABILITIES,
    "nsenter --target 1 --mount true",
    /Permission denied|Operation not permitted/,
  ),
  row(
    "setns-helper",
    "enter the helper's namespaces",
    CAPABILITIES,
    'nsenter --target "$HELPER" --mount true',
    /Permission denied|Operation not permitted/,
  ),
  row("helper-root", "reach the host through the helper's root", CAPABILITIES, 'ls "/proc/$HELPER/root/"', DENIED),
  row("helper-memory", "read the helper's environment and memory", CAPABILITIES, 'head -c 1 "/proc/$HELPER/environ"', DENIED),
  row("helper-kill", "kill the helper", CAPABILITIES, 'kill -KILL "$HELPER"', /not permitted/),
  row("mount-disk", "mount a disk", CAPABILITIES, "mount -t ext4 /dev/null /mnt", /permission denied/),
  row("mknod", "make a device", CAPABILITIES, 'mknod "$STATE/disk" b 1 0', NOT_PERMITTED),
  row(
    "sysctl",
    "change a setting of the kernel",
    FILES,
    'value=$(cat /proc/sys/kernel/pid_max); echo "$value" > /proc/sys/kernel/pid_max',
    DENIED,
  ),
  row(
    "core-pattern",
    "choose the program that takes core dumps",
    FILES,
    "echo '|/tmp/x' > /proc/sys/kernel/core_pattern",
    DENIED,
  ),
  row(
    "cgroup-top",
    "leave the group that was delegated to it",
    FILES,
    "for top in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/memory/cgroup.procs; do [ ! -e $top ] || echo $$ > $top; done",
    DENIED,
  ),
  row(
    "program-write",
    "change its program",
    "a read-only mount, and files of root",
    "echo x >> /run/hive-w4rden/program/dist/hive-w4rden.js",
    /Read-only file system|Permission denied/,
  ),
  row(
    "program-remount",
    "make its program writable",
    "locked flags of a mount",
    "mount -o remount,bind,rw /run/hive-w4rden/program",
    /permission denied/,
  ),
  row(
    "program-uncover",
    "uncover what is below its program",
    "locked mounts",
    "umount /run/hive-w4rden/program",
    /not mounted|must be superuser|Invalid argument/,
  ),
  row("socket-folder", "replace the helper's socket", FILES, "mv /run/hive-w4rden/w4rden.sock /run/hive-w4rden/old", DENIED),
  row("socket-own", "see what the helper binds for its own sandboxes", FILES, "ls /run/hive-w4rden/own", DENIED),
  {
    id: "daemon-suid",
    from: "daemon",
    attempt: "leave a set-user-ID program for root to run",
    barrier: MAPS,
    contained: "it has the rights of the daemon's user, which is unprivileged on the host",
    async run(place) {
      await place.sh('cp /bin/true "$STATE/suid" && chmod 6755 "$STATE/suid"');
      const { uid, mode } = statSync(join(place.hive.stateDir, "suid"));
      if (uid !== place.uid) throw new Error(`it belongs to uid ${uid}`);
      return `mode ${(mode & 0o7777).toString(8)}, of the daemon's user`;
    },
  },
  ask(
    "unlisted",
    "have a folder mounted that root does not list",
    mount({ folder: "/srv" }),
    /root does not allow \/srv to be mounted/,
  ),
  ask("etc", "have root's records mounted", mount({ folder: "$FOLDER/etc" }), /no agent can have it/),
  ask("state", "have the state folder mounted", mount({ folder: "$FOLDER" }), /no agent can have it/),
  ask("system", "have a part of the running system mounted", mount({ folder: "/proc/1" }), /no agent can have it/),
  ask(
    "link",
    "have a link in a listed folder mounted",
    mount({ folder: "$FOLDER/listed/etc" }),
    /is a symbolic link or no folder/,
  ),
  ask("dots", "leave a listed folder with dots", mount({ folder: "$FOLDER/listed/.." }), /an absolute path in its shortest form/),
  ask(
    "map-root",
    "be mapped to root",
    mount({ mode: "rw", map: { owner: { uid: 0, gid: 0 }, agent: 1 } }),
    /the request is refused: map\.owner\.uid/,
  ),
  ask(
    "map-other",
    "be mapped to another owner than the folder's",
    mount({ mode: "rw", folder: "$FOLDER/listed/person", map: { owner: { uid: 1000, gid: 1000 }, agent: "$FIRST" } }),
    /no id map: the folder belongs to/,
  ),
  ask(
    "map-system",
    "be mapped to a user of the system",
    mount({ mode: "rw", map: { owner: { uid: "$UID", gid: "$UID" }, agent: "$FIRST" } }),
    /a user of the system, and no agent may act as that/,
  ),
  ask(
    "map-agent",
    "have a folder mapped to another user than an agent of the hive",
    mount({ mode: "rw", folder: "$FOLDER/listed/person", map: { owner: { uid: PERSON, gid: PERSON }, agent: 1000 } }),
    /no id map: uid 1000 is not one of this hive's/,
  ),
  ask(
    "export",
    "read a repository that is not exported",
    { verb: "export", folder: "$FOLDER/listed/repo", nonce: NONCE, what: "refs" },
    /"code":71/,
  ),
  {
    ...ask(
      "exists",
      "learn which folders root has, by asking for them as repositories",
      {},
      /^(?:[^{}]*\{"code":71\}){3}[^{}]*$/,
    ),
    async run(place) {
      const refused = (name: string): Promise<string> =>
        place.ask({ verb: "export", folder: `$FOLDER/${name}`, nonce: NONCE, what: "check" }).then(
          (answer) => `answered ${name}: ${answer}`,
          (error: Error) => error.message,
        );
      const answers = [await refused("listed"), await refused("secret"), await refused("none")];
      throw new Error(answers.join(" "));
    },
  },
  ask(
    "container",
    "start a container where cages are none, as root of more users than the hive has",
    container({}),
    /the cages of this hive are no containers of the host/,
  ),
  ask(
    "container-system",
    "have a folder bound over the system of a container",
    container({ binds: [{ folder: "$FOLDER/listed", cage: "/etc/ssh", mode: "ro" }] }),
    /this path belongs to the container's system/,
  ),
  ask(
    "container-shell",
    "give a word of a shell as the path of a bind",
    container({ binds: [{ folder: "$FOLDER/listed", cage: "/x --private-users=no", mode: "ro" }] }),
    /its names have letters/,
  ),
  ask(
    "container-boot",
    "boot a system that Nix has not built",
    container({ system: "$FOLDER/listed" }),
    /it is a path of the Nix store/,
  ),
  ask(
    "container-journal",
    "read the journal of a container of another hive",
    { verb: "container_logs", agent: "a1", lines: 10, follow: false },
    /the cages of this hive are no containers of the host/,
  ),
  ask("program", "have an agent write what root runs", mount({ folder: join(ROOT, "dist"), mode: "rw" }), /no agent can have it/),
  ask(
    "objects",
    "have another folder taken for the hive's objects",
    {
      verb: "deliver",
      folder: "$FOLDER/listed",
      nonce: NONCE,
      repo: "none",
      branch: "main",
      sha: NONCE + "01234567",
      clean: false,
    },
    /does not exist on this host/,
  ),
  ask(
    "branch",
    "write a branch that is not the hive's",
    {
      verb: "deliver",
      folder: "$FOLDER/listed",
      nonce: NONCE,
      repo: "web",
      branch: "../main",
      sha: NONCE + "01234567",
      clean: false,
    },
    /the request is refused: branch/,
  ),
  ask(
    "proxy",
    "have the trusted proxy's socket given to a user of its choice",
    { verb: "give_proxy_socket", uid: 33 },
    /the request is refused/,
  ),
  ask(
    "proxy-unnamed",
    "have the trusted proxy's socket given away where root has named no proxy",
    { verb: "give_proxy_socket" },
    /root has named no user of a trusted proxy/,
  ),
  {
    ...ask(
      "objects-other",
      "have objects of another user taken for the hive's",
      {},
      /the objects of evil do not belong to the hive/,
    ),
    async run(place) {
      await place.sh('mkdir -p "$STATE/repos/evil.git/objects" && chown "$FIRST" "$STATE/repos/evil.git/objects"');
      return place.ask({
        verb: "deliver",
        folder: "$FOLDER/listed/repo",
        nonce: NONCE,
        repo: "evil",
        branch: "main",
        sha: NONCE + "01234567",
        clean: false,
      });
    },
  },
  {
    ...ask("socket-system", "give a socket to a user of the system", {}, /a socket is given to people only/),
    async run(place) {
      await place.sh(makeSocket("syd"));
      return place.ask({ verb: "give_socket", operator: "syd", uid: 1 });
    },
  },
  {
    ...ask("socket-file", "give a file to a person as a socket", {}, /file\.sock is not a socket of the daemon/),
    async run(place) {
      await place.sh('mkdir -p "$STATE/run/operators" && touch "$STATE/run/operators/file.sock"');
      return place.ask({ verb: "give_socket", operator: "file", uid: PERSON });
    },
  },
  {
    ...ask("socket-link", "give a file of root to a person by a link", {}, /link\.sock is not a socket of the daemon/),
    async run(place) {
      await place.sh('mkdir -p "$STATE/run/operators" && ln -s "$FOLDER/secret" "$STATE/run/operators/link.sock"');
      return place.ask({ verb: "give_socket", operator: "link", uid: PERSON });
    },
  },
  ask("verb", "ask for a verb that is none", { verb: "exec", argv: ["sh"] }, /the request is refused: verb/),
  ask(
    "more",
    "ask twice on one connection",
    `${JSON.stringify(mount({}))}@${JSON.stringify(mount({}))}`,
    /one request for each connection/,
  ),
];
