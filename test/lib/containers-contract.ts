import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { uidRange } from "../../src/platforms/uids.ts";
import { Containers } from "../../src/w4rden/containers/containers.ts";
import type { ContainersHost } from "../../src/w4rden/containers/host.ts";
import { containerName } from "../../src/w4rden/containers/name.ts";
import type { VerbContext } from "../../src/w4rden/context.ts";
import type { ContainerStartRequest } from "../../src/wire/w4rden.ts";

/** A host, and what the tests need on it. */
export interface ContractHost {
  host: ContainersHost;
  /** An empty folder of the host, which is the state of a hive there, and its path for the tests. */
  state: { path: string; here: string };
  /** A folder that only root can write. */
  etc: string;
  /** A system that boots and one that does not, in the store. */
  system: string;
  broken: string;
}

const HIVE = "0c0c0c0c";
const AGENT = "a1";
const NAME = containerName(HIVE, AGENT);
const UID = uidRange(HIVE).first + 1;

/** What root's helper does with containers: the same over a host of a test and over a real one. */
export function containersContract(name: string, makeHost: () => ContractHost): void {
  describe(name, () => {
    let given: ContractHost;
    let containers: Containers;
    /** The same for a daemon whose user is another. */
    let ofOther: Containers;
    const conf = (): string => join(given.host.confs, `${NAME}.conf`);

    beforeEach(() => {
      given = makeHost();
      const context = {
        account: { name: "self", uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
        range: uidRange(HIVE),
        state: given.state.path,
        run: `${given.state.path}/run`,
        etc: given.etc,
        programs: [],
      };
      const open = (account: typeof context.account): Containers =>
        new Containers(given.host, HIVE, { ...context, account } as unknown as VerbContext);
      containers = open(context.account);
      ofOther = open({ ...context.account, uid: context.account.uid + 1 });
      for (const folder of ["work", "inside"]) mkdirSync(join(given.state.here, folder));
      writeFileSync(join(given.state.here, "inside/start"), "#!/bin/sh\nexec > /run/hive-cage/log 2>&1\nsleep 1000\n", {
        mode: 0o755,
      });
      for (const file of ["log", "passwd", "group", "hosts", "nsswitch.conf", "resolv.conf", "gitconfig"])
        writeFileSync(join(given.state.here, "inside", file), "");
    });
    afterEach(async () => {
      await containers.kill(AGENT);
      await containers.destroy(AGENT);
    });

    const request = (change: Partial<ContainerStartRequest> = {}): ContainerStartRequest => ({
      verb: "container_start",
      agent: AGENT,
      hostname: "h-tester",
      uid: UID,
      system: given.system,
      binds: [
        { folder: `${given.state.path}/work`, cage: "/state", mode: "ro" },
        { folder: `${given.state.path}/inside`, cage: "/run/hive-cage", mode: "ro" },
      ],
      log: `${given.state.path}/cage.log`,
      memory_bytes: 512 * 1024 ** 2,
      cpu_percent: 100,
      pids: 128,
      ...change,
    });
    const withBind = (folder: string) => request({ binds: [{ folder, cage: "/x", mode: "ro" }] });

    test("a start makes the container, writes its configuration and keeps its system", async () => {
      const { folder } = await containers.start(request());
      expect(folder).toBe(join(given.host.cages, NAME));
      expect(readFileSync(conf(), "utf8")).toMatch(/^PRIVATE_NETWORK=1\nPRIVATE_USERS=\d+\nSYSTEM_PATH=.*\nEXTRA_NSPAWN_FLAGS=/m);
      // What `nixos-container create` writes would give it a network.
      expect(readFileSync(conf(), "utf8")).not.toContain("ADDRESS");
      const profile = join(given.host.profiles, NAME, "system");
      const link = readlinkSync(profile);
      expect(link.startsWith("/") ? link : readlinkSync(join(given.host.profiles, NAME, link))).toBe(given.system);
    });

    test("starting again writes the same configuration, with the same users", async () => {
      await containers.start(request());
      const before = readFileSync(conf(), "utf8");
      await containers.kill(AGENT);
      await containers.start(request());
      expect(readFileSync(conf(), "utf8")).toBe(before);
    });

    test("a container that runs is neither started again nor destroyed", async () => {
      await containers.start(request());
      await expect(containers.start(request())).rejects.toThrow(`the container ${NAME} of the agent ${AGENT} runs already`);
      await expect(containers.destroy(AGENT)).rejects.toThrow("runs: stop it first");
    });

    test("two starts at once are one start and one refusal", async () => {
      const both = await Promise.allSettled([containers.start(request()), containers.start(request())]);
      expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    });

    test("an end is recorded, and leaves no bind", async () => {
      const { folder } = await containers.start(request());
      await containers.kill(AGENT);
      expect(readFileSync(join(folder, "status"), "utf8")).toMatch(/^(?:exited|killed) \w+ [\w-]+ \d+\n$/);
      expect(existsSync(join(folder, "binds"))).toBe(false);
    });

    test("a destroyed container leaves nothing behind", async () => {
      await containers.start(request());
      await containers.kill(AGENT);
      await containers.destroy(AGENT);
      for (const [place, file] of [
        [given.host.confs, `${NAME}.conf`],
        [given.host.roots, NAME],
        [given.host.profiles, NAME],
        [given.host.cages, NAME],
        [given.host.units, `container@${NAME}.service.d`],
        [join(given.etc, "containers"), `${NAME}.json`],
      ] as const)
        expect(existsSync(join(place, file)), join(place, file)).toBe(false);
    });

    test("a system that does not boot is refused with the words of the journal, and leaves no bind", async () => {
      await expect(containers.start(request({ system: given.broken }))).rejects.toThrow(/does not start: [^]*No such file/);
      expect(existsSync(join(given.host.cages, NAME, "binds"))).toBe(false);
    });

    test("a link that a container's root leaves in its root folder is gone before the next start", async () => {
      await containers.start(request());
      await containers.kill(AGENT);
      const [root, victim] = [join(given.host.roots, NAME, "root"), join(given.state.here, "victim")];
      mkdirSync(victim, { mode: 0o755 });
      if (existsSync(root)) rmSync(root, { recursive: true });
      symlinkSync(victim, root);
      await containers.start(request());
      expect(lstatSync(victim).mode & 0o777).toBe(0o755);
      expect(existsSync(root) && lstatSync(root).isSymbolicLink()).toBe(false);
    });

    test("what a helper that was killed in a start has left is removed by the next start", async () => {
      mkdirSync(join(given.host.cages, NAME, "binds/7"), { recursive: true });
      writeFileSync(join(given.host.cages, NAME, "binds/8"), "");
      writeFileSync(join(given.host.cages, NAME, "status"), "exited 9 exit-code 0\n");
      const { folder } = await containers.start(request());
      expect(readdirSync(join(folder, "binds")).sort()).toEqual(["0", "1"]);
      expect(existsSync(join(folder, "status"))).toBe(false);
    });

    test("a folder of the hive that belongs neither to the daemon nor to the agent is refused", async () => {
      await expect(ofOther.start(request())).rejects.toThrow(/\/work belongs to uid \d+, neither the daemon's nor the agent's/);
    });

    test("a container that no hive has made is left alone", async () => {
      writeFileSync(conf(), "AUTO_START=1\n");
      try {
        await expect(containers.start(request())).rejects.toThrow("no hive has made it");
        await containers.kill(AGENT);
        await containers.destroy(AGENT);
        expect(readFileSync(conf(), "utf8")).toBe("AUTO_START=1\n");
      } finally {
        rmSync(conf());
      }
    });

    test.each([
      ["another hive", { hive_id: "ffffffff", agent: AGENT }],
      ["another agent", { hive_id: HIVE, agent: "a2" }],
    ])("a container of %s with the same name is neither killed nor removed, and its journal is not shown", async (_, owner) => {
      await containers.start(request());
      const file = join(given.etc, "containers", `${NAME}.json`);
      const own = readFileSync(file, "utf8");
      writeFileSync(file, JSON.stringify({ ...JSON.parse(own), ...owner }));
      try {
        await containers.kill(AGENT);
        await containers.destroy(AGENT);
        expect(() => containers.logs(AGENT, 10, false)).toThrow(`the agent ${AGENT} has no container`);
        expect(existsSync(conf())).toBe(true);
      } finally {
        writeFileSync(file, own);
      }
      await expect(containers.destroy(AGENT)).rejects.toThrow("runs: stop it first");
      expect(containers.logs(AGENT, 10, false)).toContainEqual(expect.arrayContaining(["--lines"]));
    });

    test.each<[string, () => ContainerStartRequest, RegExp]>([
      ["a folder that root does not list", () => withBind("/usr/share"), /root does not allow \/usr\/share|does not exist/],
      ["the state folder as a whole", () => withBind(given.state.path), /no agent can have it/],
      ["a folder behind a link", () => withBind(`${given.state.path}/link/work`), /symbolic link/],
      ["a link", () => withBind(`${given.state.path}/link`), /symbolic link/],
      ["a folder that does not exist", () => withBind(`${given.state.path}/absent`), /absent does not exist/],
      [
        "an owner who is not the folder's",
        () => owned({ uid: 4242, gid: 4242 }),
        /Give the folder back to the user who owned it/,
      ],
      ["a uid of another hive", () => request({ uid: uidRange("ffffffff").first + 1 }), /is not one of this hive's/],
      ["a system that was not built", () => request({ system: `/nix/store/${"a".repeat(32)}-x` }), /does not exist/],
      ["a log outside of the state", () => request({ log: "/etc/x" }), /a log is a file of the hive's state folder/],
    ])("%s is refused, and nothing is made", async (_, make, words) => {
      symlinkSync(given.state.here, join(given.state.here, "link"));
      await expect(containers.start(make())).rejects.toThrow(words);
      expect(existsSync(conf())).toBe(false);
    });

    function owned(owner: { uid: number; gid: number }): ContainerStartRequest {
      return request({ binds: [{ folder: `${given.state.path}/work`, cage: "/x", mode: "rw", owner }] });
    }
  });
}
