import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NIX_TEMPLATE } from "../../src/agents/template.ts";
import { HOST_STORE } from "../../src/platforms/nixos/platform.ts";
import { containerName } from "../../src/w4rden/containers/name.ts";
import { TestHive, until } from "../lib/hive.ts";
import { hostUnit } from "../lib/nix.ts";
import { ownRecord } from "../lib/rights.ts";
import { SYSTEM } from "./helper.ts";
import { NIX_LIB } from "../lib/nix-lib.ts";

/**
 * A hive on the nested host as the service of the host module starts it: the real helper with the service's privileges, the
 * real daemon, the real Nix and its daemon, the real `nixos-container`. The flake of hyperhive is a small one, whose
 * systems are copies of the nested host's.
 */

const ROOT = join(import.meta.dirname, "../..");
const USER = "hyperhive";

/** In place of hyperhive's flake: the agent's config, and a system of this host that says what its module wants. */
const HYPERHIVE = `{
  outputs = { self }: {
    lib.agentSystem = { name, role, system, module }: let
      ${NIX_LIB}
      made = import module { inherit lib; pkgs = { }; };
    in {
      config.system.build = {
        agentJson = made.hyperhive;
        toplevel = derivation {
          inherit name system;
          builder = "/bin/sh";
          args = [ "-c" "/bin/cp -r ${SYSTEM} $out && /bin/chmod -R u+w $out && \${made.extra or "true"}" ];
        };
      };
    };
  };
}
`;

/** The helper as the host's service starts it. */
function service(folder: string): string[] {
  const unit = hostUnit();
  const bounding = String(unit.serviceConfig["CapabilityBoundingSet"]).toLowerCase().replaceAll("cap_", "+").replaceAll(" ", ",");
  const helper = [join(ROOT, "dist/hive-w4rden"), "start", "--user", USER, "--etc", join(folder, "etc"), "--"];
  return ["setpriv", "--no-new-privs", "--bounding-set", `-all,${bounding}`, "--", ...helper];
}

/** Makes the nested host one on which a hive of containers can start, and starts its Nix daemon. */
export async function prepareHost(): Promise<{ stop(): Promise<void> }> {
  writeFileSync("/etc/NIXOS", "");
  // The nested host's own systemd-nspawn has put files over some of /proc. No user namespace may mount one then.
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n").reverse()) {
    const point = line.split(" ")[4] ?? "";
    if (point.startsWith("/proc/")) execFileSync("umount", [point]);
  }
  // The nested host has a file here that no container may see.
  rmSync(HOST_STORE.socket, { force: true });
  const env = { PATH: process.env["PATH"], HOME: "/root", NIX_REMOTE: "local" };
  const nix: ChildProcess = spawn("nix-daemon", [], { env, stdio: "inherit" });
  await until(() => existsSync(HOST_STORE.socket) && statSync(HOST_STORE.socket).isSocket());
  return {
    async stop() {
      nix.kill();
      await once(nix, "close");
    },
  };
}

/** A hive of the nested host. `driver` is what its service runs agents with. */
export class HostedHive extends TestHive {
  constructor(driver: "bwrap" | "nixos-container", rules: unknown[]) {
    super({ HIVE_DRIVER: driver });
    this.play(rules);
    chmodSync(this.folder, 0o755);
    const flake = join(this.folder, "hyperhive");
    mkdirSync(flake, { mode: 0o755 });
    writeFileSync(join(flake, "flake.nix"), HYPERHIVE, { mode: 0o644 });
    this.env["HIVE_FLAKE"] = flake;
  }

  /** As the service: cages outlive the daemon unless `foreground`. */
  startService({ foreground = true } = {}): Promise<this> {
    return this.start({ by: service(this.folder), foreground });
  }

  /** Runs `hivectl` as a process. Resolves with its code and all that it printed. */
  hivectl(...words: string[]): { code: number; said: string } {
    try {
      const said = execFileSync(join(ROOT, "dist/hivectl"), words, { env: this.env, encoding: "utf8", stdio: "pipe" });
      return { code: 0, said };
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number | null; stdout: string; stderr: string };
      return { code: status ?? -1, said: `${stdout}${stderr}` };
    }
  }

  async containerOf(name: string): Promise<string> {
    const { hive_id } = ownRecord(join(this.folder, "etc"));
    return containerName(hive_id, (await this.folderOf(name)).split("/").at(-1) ?? "");
  }

  /** The links that keep systems of an agent. */
  async linksOf(name: string): Promise<string[]> {
    return readdirSync(join(await this.folderOf(name), "generations")).filter((one) => one.endsWith(".system"));
  }

  /** Sends a message as the operator. Resolves with what the agent answers. */
  async ask(name: string, body: string): Promise<string> {
    const { sent } = await this.call("send", { to: name, body });
    const answer = await this.untilMessage((message) => message.from === name && message.in_reply_to === sent[0]?.id);
    return answer.body ?? "";
  }

  /** Requests an agent's config, approves it, and waits for the end. */
  async propose(agent: string, files: Record<string, string>) {
    const all = Object.entries({ "agent.json": "{}", ...NIX_TEMPLATE, ...files });
    const { request: id } = await this.call("propose", {
      agent,
      files: all.map(([path, text]) => ({ path, mode: "100644" as const, base64: Buffer.from(text).toString("base64") })),
    });
    await this.call("approve", { id });
    const done = await this.watch(
      (event) => event.kind === "approval" && event.approval.id === id && ["deployed", "failed"].includes(event.approval.state),
    );
    const last = done.at(-1);
    if (last?.kind !== "approval") throw new Error("unreachable");
    return last.approval;
  }
}

/** Whether a container runs, as the host's own script says. */
export const isUp = (container: string): boolean =>
  execFileSync("nixos-container", ["status", container], { encoding: "utf8" }).trim() === "up";

/** Containers that the host knows. */
export const containers = (): string[] =>
  execFileSync("nixos-container", ["list"], { encoding: "utf8" }).split("\n").filter(Boolean);

/** A rule by which an agent runs a command and sends its output to the operator. */
export const runs = (text: string, command: string) => ({
  when: { from: "operator", text: `^${text}` },
  steps: [
    { tools: [{ name: "Bash", input: { command, description: text } }], capture: { said: "([^]+)" } },
    { tools: [{ name: "send", input: { to: "operator", body: "saw {{said}}" } }] },
    { say: "done" },
  ],
});
/** A rule by which an agent answers. */
export const ANSWERS = {
  when: { text: "." },
  steps: [{ tools: [{ name: "send", input: { to: "operator", body: "hello" } }] }, { say: "done" }],
};
