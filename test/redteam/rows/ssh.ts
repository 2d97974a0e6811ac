import { appendFileSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { callEach } from "../inside/mcp.ts";
import { reach, throughProxy } from "../inside/net.ts";
import { secretIn } from "../inside/secret.ts";
import { cageRow, type CageRow } from "../row.ts";
import { mark, plant } from "./persistence.ts";

/**
 * The upstream of a repository, behind ssh: `mirror`, which the attacker may write to. Only the daemon has its key, and
 * reaches its port.
 */

const SPEAKS = "the daemon itself speaks ssh, with no program and no settings";
const fromCage = cageRow("agent", "ssh");

/** What an operator asks and confirms. */
const VERBS = ["repo_add_remote", "repo_fetch", "repo_host_key", "repo_login", "repo_new_key", "repo_trust"];

export const sshRows: readonly CageRow[] = [
  {
    ...fromCage(
      "key",
      "find the private key of its repository's upstream in a file, an environment or the memory of a process",
      SPEAKS,
      /nothing in/,
      (bait) => secretIn(bait, "sshKeyBackwards"),
    ),
    alone: true,
    proof(world) {
      const found = world.sshKeyOutside();
      if (found.length !== 1 || found[0]?.endsWith("/mirror.json") !== true) throw new Error(`the key is in ${found.join(", ")}`);
      return "it is in one file of the daemon";
    },
  },
  fromCage(
    "stores",
    "find the store of keys, and known hosts",
    "a mount namespace with the agent's own folders",
    /^none of \d+/,
    ({ stateDir }) => {
      const paths = [
        join(stateDir, "credentials", "mirror.json"),
        join(stateDir, "credentials"),
        "/etc/ssh",
        "/root/.ssh",
        "/home/agent/.ssh",
      ];
      const found = paths.filter((path) => lstatSync(path, { throwIfNoEntry: false }));
      if (found.length > 0) return found.join(" ");
      throw new Error(`none of ${paths.length} is there`);
    },
  ),
  fromCage(
    "agent",
    "use the agent of ssh that the hive was started with",
    "a cage's environment is listed",
    /ENOENT/,
    async ({ sshAgent }) => {
      const own = process.env["SSH_AUTH_SOCK"];
      if (own !== undefined) return `it is named ${own}`;
      return reach({ path: sshAgent });
    },
  ),
  fromCage(
    "port",
    "connect to the upstream itself",
    "a network namespace with a loopback of its own",
    /ECONNREFUSED/,
    ({ sshPort }) => reach({ host: "127.0.0.1", port: sshPort }),
  ),
  fromCage(
    "proxied",
    "connect to the upstream through the proxy",
    "the list of hosts, and the check of every address",
    /is a private address|egress list/,
    ({ sshPort }) => {
      const authority = `127.0.0.1:${sshPort}`;
      return throughProxy([`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, "Connection: close"]);
    },
  ),
  fromCage(
    "verbs",
    "confirm a forged host key, or replace the key",
    "the socket determines what may be called",
    /is not for this socket/,
    () => callEach(VERBS, /is not for this socket/),
  ),
  {
    ...fromCage(
      "config",
      "lead the hive's transfers through its own programs: a ProxyCommand, an ssh command, filters and a monitor in the settings of its clone",
      SPEAKS,
      /^$/,
      () => {
        const program = plant("/state/evil-ssh.sh", `#!/bin/sh\n${mark("ssh-config")}\necho obeyed\n`);
        const proxy = `Host *\n  ProxyCommand sh ${program}\n  IdentityAgent none\n`;
        for (const path of ["/state/.ssh/config", "/work/mirror/.ssh/config", "/work/.ssh/config"]) plant(path, proxy);
        appendFileSync(
          "/work/mirror/.git/config",
          `\n[core]\n\tsshCommand = ssh -o 'ProxyCommand=sh ${program}'\n\tfsmonitor = sh ${program}\n\tattributesFile = /work/mirror/.evil\n` +
            `[remote "origin"]\n\tproxy = http://127.0.0.1:9\n\tuploadpack = sh ${program}\n\treceivepack = sh ${program}\n` +
            `[url "ext::sh -c ${program} "]\n\tinsteadOf = ssh://\n[protocol]\n\tallow = always\n` +
            `[filter "evil"]\n\tclean = echo obeyed\n\tsmudge = echo obeyed\n\trequired = true\n`,
        );
        plant("/work/mirror/.git/info/attributes", "* filter=evil\n");
        plant("/work/mirror/planted.txt", "the agent's own text\n");
        return "planted";
      },
    ),
    alone: true,
    contained: "nothing of the hive reads them",
    async proof(world) {
      const followed = await world.followUpstream();
      const marks = await world.marks("mallory");
      if (Object.hasOwn(marks, "ssh-config")) throw new Error(`it was obeyed: ${marks["ssh-config"]}`);
      const { files } = await world.hive.call("workspace_diff", { name: "mallory", repo: "mirror" });
      const patch = JSON.stringify(files.find(({ path }) => path === "planted.txt") ?? {});
      if (!patch.includes("the agent's own text") || patch.includes("obeyed"))
        throw new Error(`the changes show ${patch.slice(0, 200)}`);
      return `${followed}; the changes show the file as it is`;
    },
  },
];
