import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { groupsNamed } from "../os/cgroups.ts";
import { idMapsLack } from "../os/id-map.ts";
import { identify, isAlive } from "../os/process-id.ts";
import { foreignAnswers, probeAnswers, probeScript, writeProbe } from "../../test/lib/kernel-probe.ts";
import type { CageSpec, Driver, Identity, Running } from "./port.ts";
import { LOG_BYTES } from "../os/keep-log.ts";

const MiB = 1024 * 1024;
/** The node that runs the tests, at its path in the cage's runtime. */
const NODE = "/opt/hive/bin/node";

/** The suite that every driver must pass: the contract, tested from inside a real cage. */
export function conformance(name: string, makeDriver: () => Driver): void {
  describe(name, () => {
    let root: string;
    let driver: Driver;
    /** Has a copy of the node that runs the tests. A runtime links it: a copy for each test took most of the time of all. */
    let copies: string;
    const started: Running[] = [];
    const servers: Server[] = [];
    const hiveId = Math.random().toString(16).slice(2, 10);

    beforeAll(() => {
      copies = mkdtempSync(join(tmpdir(), "cage-node-"));
      copyFileSync(process.execPath, join(copies, "node"));
      chmodSync(join(copies, "node"), 0o755);
    });
    afterAll(() => rmSync(copies, { recursive: true }));
    beforeEach(() => {
      root = realpathSync(mkdtempSync(join(tmpdir(), "cage-")));
      driver = makeDriver();
    });
    /** As the daemon creates them: its own, open to the agent's group. */
    function giveToGroup(path: string, mode: number, identity: Identity): void {
      chmodSync(path, mode);
      chownSync(path, process.getuid?.() ?? 0, identity.gid);
    }
    afterEach(async () => {
      for (const cage of started.splice(0)) await cage.kill();
      for (const server of servers.splice(0)) server.close();
      rmSync(root, { recursive: true, force: true });
    });

    function spec(agentId: string, argv: string[], change: Partial<CageSpec> = {}): CageSpec {
      const folder = (path: string): string => {
        const made = join(root, agentId, path);
        mkdirSync(made, { recursive: true });
        return made;
      };
      const runtimeDir = join(root, "runtime");
      if (!existsSync(runtimeDir)) {
        mkdirSync(join(runtimeDir, "bin"), { recursive: true });
        linkSync(join(copies, "node"), join(runtimeDir, "bin/node"));
      }
      return {
        hiveId,
        agentId,
        name: "tester",
        role: "agent",
        generation: 1,
        revision: "r1",
        runtimeDir,
        socketsDir: folder("sockets"),
        claudeDir: folder("claude"),
        stateDir: folder("state"),
        workspacesDir: folder("work"),
        configDir: folder("config"),
        cageDir: folder("cage"),
        extraBinds: [],
        logFile: join(root, agentId, "cage.log"),
        env: { PATH: "/opt/hive/bin:/usr/bin:/bin", HOME: "/home/agent" },
        argv,
        limits: { memoryBytes: 512 * MiB, cpuPercent: 200, pids: 128 },
        identity: driver.identityFor(hiveId, 1),
        ...change,
      };
    }

    async function start(one: CageSpec): Promise<Running> {
      await driver.prepare(one);
      const cage = await driver.start(one);
      started.push(cage);
      return cage;
    }

    /** Runs a shell script inside and returns what it wrote to /state/out. */
    async function inside(script: string, change: Partial<CageSpec> = {}): Promise<string> {
      const one = spec("a1", ["/bin/sh", "-c", `exec > /state/out 2>&1\n${script}`], change);
      const cage = await start(one);
      await cage.exited;
      return readFileSync(join(one.stateDir, "out"), "utf8");
    }

    /** Runs a Node script inside. */
    const insideNode = (script: string): Promise<string> => inside(`${NODE} -e '${script}'`);

    test("runs exactly the given arguments with exactly the environment, in /state", async () => {
      const one = spec(
        "a1",
        [
          NODE,
          "-e",
          "require('fs').writeFileSync('out', JSON.stringify([process.argv.slice(1), process.env, process.cwd(), os = require('os').hostname()]))",
          "a b",
          "c",
        ],
        {
          env: { PATH: "/usr/bin", ONE: "two words" },
        },
      );
      const cage = await start(one);
      expect(await cage.exited).toMatchObject({ code: 0 });
      const [argv, env, cwd, host] = JSON.parse(readFileSync(join(one.stateDir, "out"), "utf8")) as [
        string[],
        Record<string, string>,
        string,
        string,
      ];
      expect(argv).toEqual(["a b", "c"]);
      // bubblewrap sets PWD to the folder in which it starts the program.
      expect(env).toEqual({ PATH: "/usr/bin", ONE: "two words", PWD: "/state" });
      expect([cwd, host]).toEqual(["/state", "h-tester"]);
    });

    test("reports the exit code", async () => {
      const cage = await start(spec("a1", ["/bin/sh", "-c", "exit 7"]));
      expect(await cage.exited).toMatchObject({ code: 7 });
    });

    test("binds have their modes, and nothing else is writable", async () => {
      const shared = join(root, "shared");
      mkdirSync(shared);
      const out = await inside(
        `for path in /opt/hive /config /usr /etc / /run /run/hive /ro /home /proc/sys/kernel; do touch $path/x 2>/dev/null && echo "wrote $path"; done
         for path in /state /home/agent/.claude /tmp; do touch $path/x || echo "cannot write $path"; done; echo end`,
        { extraBinds: [{ host: shared, cage: "/ro", mode: "ro" }] },
      );
      expect(out).toBe("end\n");
    });

    test("a bind with an owner is written as that owner, or refused with what the host lacks", async () => {
      const shared = join(root, "shared");
      mkdirSync(shared);
      const extraBinds = [{ host: shared, cage: "/owned", mode: "rw" as const, owner: { uid: 4242, gid: 4343 } }];
      const lacks = await idMapsLack();
      if (lacks !== undefined) {
        await expect(inside("true", { extraBinds })).rejects.toThrow(`a mount of the agent is id-mapped: ${lacks}`);
        return;
      }
      writeFileSync(join(shared, "foreign"), "");
      writeFileSync(join(shared, "before"), "old\n", { mode: 0o600 });
      for (const path of [shared, join(shared, "before")]) chownSync(path, 4242, 4343);
      const out = await inside(
        `cd /owned; echo new >> before; cat before; mkdir -m 755 made; echo x > made/file; stat -c '%n %u %g' before made/file foreign
         for what in "chmod u+s before" "chmod g+s before" "chmod g+s made" "dd of=foreign" "mknod null c 1 3"; do $what 2>&- < /dev/null || echo "no $what"; done
         grep -c ' /owned .*nosuid,nodev.*idmapped' /proc/self/mountinfo`,
        { extraBinds },
      );
      expect(out.split("\n")).toEqual([
        "old",
        "new",
        "before 1000 1000",
        "made/file 1000 1000",
        "foreign 65534 65534",
        "no chmod u+s before",
        "no chmod g+s before",
        "no chmod g+s made",
        "no dd of=foreign",
        "no mknod null c 1 3",
        "1",
        "",
      ]);
      for (const path of ["before", "made", "made/file"])
        expect(statSync(join(shared, path)), path).toMatchObject({ uid: 4242, gid: 4343 });

      chownSync(shared, 4244, 4343);
      await expect(inside("true", { extraBinds })).rejects.toThrow(/Give the folder back to the user who owned it/);
    });

    test("is unprivileged on the host: no capabilities, no new privileges, files belong to the identity", async () => {
      const out = await inside(
        "id -u; grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs)' /proc/self/status; touch /state/mine /work/mine; unshare -U true || echo refused",
      );
      expect(out).toContain("1000\n");
      expect(out.match(/Cap\w+:\t0000000000000000/g)).toHaveLength(5);
      expect(out).toContain("NoNewPrivs:\t1");
      expect(out).toContain("refused");
      for (const file of ["a1/state/mine", "a1/work/mine"]) {
        const { uid } = statSync(join(root, file));
        expect(uid).toBe(driver.identityFor(hiveId, 1).uid);
        if (process.getuid?.() === 0) expect(uid).not.toBe(0);
      }
    });

    test("sees only its own processes", async () => {
      const out = await inside("ls /proc | grep -E '^[0-9]+$' | wc -l; cat /proc/[0-9]*/comm");
      expect(Number(out.split("\n")[0])).toBeLessThan(8);
      expect(out).not.toMatch(/node|vitest/);
    });

    test("reveals no path, argument or variable of the host's processes except the sources of its own binds", async () => {
      const out = await inside("tr '\\0' ' ' < /proc/1/cmdline; cat /proc/1/environ; cat /proc/self/environ");
      expect(out).not.toContain(root);
      expect(out).not.toContain("npm_");
    });

    test("has no network but its own loopback, not the host's", async () => {
      const server = createServer((socket) => socket.end("reached"));
      servers.push(server);
      server.listen(0, "0.0.0.0");
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((one) => one.address));
      const targets = ["127.0.0.1", ...addresses.filter((one) => !one.includes(":")), "10.0.0.1", "169.254.169.254"];
      const out = await insideNode(
        `const net = require("net"); const os = require("os"); console.log(Object.keys(os.networkInterfaces()).join());
         for (const host of ${JSON.stringify(targets)}) { const s = net.connect(${port}, host); s.on("connect", () => console.log("REACHED " + host)); s.on("error", (e) => console.log(host, e.code)); s.setTimeout(1000, () => s.destroy()); }`,
      );
      expect(out.split("\n")[0]).toBe("lo");
      expect(out).not.toContain("REACHED");
      expect(out).toMatch(/127\.0\.0\.1 ECONNREFUSED/);
    });

    test("cannot reach the host's abstract sockets", async () => {
      const server = createServer((socket) => socket.end("reached"));
      servers.push(server);
      server.listen(`\0cage-test-${hiveId}`);
      await once(server, "listening");
      const out = await insideNode(
        `const s = require("net").connect("\\0cage-test-${hiveId}"); s.on("connect", () => console.log("REACHED")); s.on("error", (e) => console.log(e.code));`,
      );
      expect(out).toBe("ECONNREFUSED\n");
    });

    test("may make the system calls that programs need, and none that a namespace does not contain", async () => {
      const probe = join(root, "probe");
      writeProbe(probe);
      const out = await inside(probeScript("/probe"), { extraBinds: [{ host: probe, cage: "/probe", mode: "ro" }] });
      const lines = out.split("\n");
      expect(lines.slice(0, probeAnswers().length)).toEqual(probeAnswers());
      expect(out).toMatch(/^filters [1-9]/m);
      for (const answer of foreignAnswers()) expect(lines).toContain(answer);
    });

    test("connects to sockets in /run/hive, including one that was recreated while it ran", async () => {
      const one = spec("a1", [
        NODE,
        "-e",
        `const net = require("net"); const fs = require("fs");
         const say = (text) => new Promise((r) => { const s = net.connect("/run/hive/x.sock", () => s.end(text)); s.on("error", () => setTimeout(() => r(say(text)), 20)); s.on("close", (bad) => bad || r()); });
         say("one").then(() => new Promise((r) => { const w = setInterval(() => fs.existsSync("/state/again") && (clearInterval(w), r()), 10); })).then(() => say("two"));`,
      ]);
      const heard: string[] = [];
      const listen = async (): Promise<Server> => {
        const server = createServer((socket) => socket.on("data", (data) => heard.push(data.toString())));
        server.listen(join(one.socketsDir, "x.sock"));
        await once(server, "listening");
        giveToGroup(join(one.socketsDir, "x.sock"), 0o660, one.identity);
        return server;
      };
      const first = await listen();
      await driver.prepare(one);
      giveToGroup(one.socketsDir, 0o750, one.identity);
      const cage = await start(one);
      await expect.poll(() => heard).toEqual(["one"]);
      first.close();
      if (existsSync(join(one.socketsDir, "x.sock"))) unlinkSync(join(one.socketsDir, "x.sock"));
      servers.push(await listen());
      writeFileSync(join(one.stateDir, "again"), "");
      await cage.exited;
      expect(heard).toEqual(["one", "two"]);
    });

    test("other agents' folders and the rest of the host are absent", async () => {
      const other = spec("b2", ["/bin/sh", "-c", "sleep 1000"], { identity: driver.identityFor(hiveId, 2) });
      writeFileSync(join(other.stateDir, "secret"), "of b2");
      await start(other);
      const out = await inside(
        `ls ${root} 2>&1; ls /root /home /var/lib /work 2>&1; cat /etc/shadow 2>&1; cat /etc/passwd; ls /etc`,
      );
      expect(out).not.toContain("of b2");
      expect(out).toContain(`cannot access '${root}'`);
      // A system of its own may have such a file of its own, which is not the agent's to read.
      expect(out).toMatch(/shadow: (?:No such file|Permission denied)/);
      expect(out.match(/:x:/g)).toHaveLength(3);
    });

    test("memory and process limits are enforced, or the driver reports what is not", async () => {
      const words = driver.cannot().find((one) => one.startsWith("limits are held"));
      // A group counts used memory. Without one the limit counts mapped memory, so the script need not use it.
      const take = words === undefined ? "Buffer.alloc(10e6, 1)" : "Buffer.allocUnsafeSlow(100e6)";
      const one = spec("a1", [NODE, "-e", `const all = []; for (let n = 0; n < 1000; n++) all.push(${take})`], {
        limits: { memoryBytes: 128 * MiB, cpuPercent: 200, pids: 64 },
      });
      const cage = await start(one);
      const exit = await cage.exited;
      // Either way it gets no more. With a group, the exit states the reason.
      if (words === undefined) expect(exit.reason).toContain("over its memory limit (128 MiB)");
      else expect(exit.code).not.toBe(0);

      if (words?.includes("the number of processes are not") === true) return;
      const out = await inside(
        `${NODE} -e '
          const { spawn } = require("child_process");
          let failed = 0, ran = 0;
          for (let n = 0; n < 60; n++) {
            const child = spawn("sleep", ["1000"]);
            child.on("error", (error) => { if (error.code === "EAGAIN") failed++; });
            if (child.pid) ran++;
          }
          setImmediate(() => { console.log(ran, failed); process.exit(); });'`,
        { limits: { memoryBytes: 512 * MiB, cpuPercent: 200, pids: 40 } },
      );
      const [ran = 0, failed = 0] = out.split(" ").map(Number);
      expect(ran + failed).toBe(60);
      expect(ran).toBeLessThan(40);
    });

    test("what it writes to its log is bounded: the newest one or two megabytes are kept", async () => {
      const one = spec("a1", ["/bin/sh", "-c", "echo first; seq 2000000 >&2; echo last; echo done > /state/ready; sleep 1000"]);
      const cage = await start(one);
      await expect.poll(() => existsSync(join(one.stateDir, "ready"))).toBe(true);
      await cage.kill();
      const files = readdirSync(dirname(one.logFile)).filter((file) => file.startsWith("cage.log"));
      expect(files).toEqual(["cage.log", "cage.log.1"]);
      for (const file of files) expect(statSync(join(dirname(one.logFile), file)).size).toBeLessThanOrEqual(LOG_BYTES);
      const kept = files.map((file) => readFileSync(join(dirname(one.logFile), file), "utf8"));
      expect(kept[0]).toMatch(/2000000\nlast\n$/);
      expect(kept[1]).toHaveLength(LOG_BYTES);
      // The kept lines have no gap; the first may be incomplete.
      const numbers = `${kept[1]}${kept[0]}`.split("\n").slice(1, -2).map(Number);
      expect(numbers.filter((number, n) => n > 0 && number !== (numbers[n - 1] ?? 0) + 1)).toEqual([]);
    });

    test("its last output is in the log when its end is reported, to its starter and its adopter", async () => {
      const one = spec("a1", ["/bin/sh", "-c", "until [ -e /state/go ]; do sleep 0.02; done; seq 10000 >&2; echo end; exit 3"]);
      const first = await start(one);
      const again = await makeDriver().adopt(one);
      const seen = [first.exited, again?.exited].map(async (exited) => [
        await exited,
        readFileSync(one.logFile, "utf8").slice(-10),
      ]);
      writeFileSync(join(one.stateDir, "go"), "");
      for (const [exit, log] of await Promise.all(seen)) {
        expect(exit).toMatchObject({ code: 3 });
        expect(log).toBe("10000\nend\n");
      }
    });

    test("when it ends, all processes that it started end, daemonised or not", async () => {
      const one = spec("a1", ["/bin/sh", "-c", "sleep 1000 & setsid sh -c 'sleep 1000 & sleep 1000' & exit 4"]);
      const cage = await start(one);
      expect(await cage.exited).toMatchObject({ code: 4 });
      expect(isAlive(cage.init)).toBe(false);
      if (one.identity.kind === "host-uid") expect(processesOf(one.identity.uid)).toEqual([]);
      expect(groupsNamed(`hive-${hiveId}`)).toEqual([]);
    });

    test("files in memory are bounded below its memory limit, in the only places that accept any", async () => {
      const limits = { memoryBytes: 64 * MiB, cpuPercent: 200, pids: 128 };
      const out = await inside(
        `for path in /tmp /dev/shm /dev /run / /home/agent /dev/pts /dev/mqueue; do
           { head -c 80000000 /dev/zero > $path/x; } 2>/dev/null; [ ! -e $path/x ] || { echo "$path $(stat -c %s $path/x)"; rm $path/x; }
         done; echo end`,
        { limits },
      );
      expect(out).toBe(`/tmp ${limits.memoryBytes / 2}\n/dev/shm ${limits.memoryBytes / 4}\nend\n`);
    });

    test("kill leaves no process, mount or group, even of a daemonised grandchild", async () => {
      const mountsBefore = readFileSync("/proc/self/mountinfo", "utf8");
      const one = spec("a1", [
        "/bin/sh",
        "-c",
        "setsid sh -c 'sleep 1000 & sleep 1000' & setsid sleep 1000 & touch /state/ready; sleep 1000",
      ]);
      const cage = await start(one);
      await expect.poll(() => existsSync(join(one.stateDir, "ready"))).toBe(true);
      const uid = one.identity.uid;
      await cage.kill();
      expect(await cage.exited).toBeDefined();
      expect(isAlive(cage.init)).toBe(false);
      if (one.identity.kind === "host-uid") expect(processesOf(uid)).toEqual([]);
      expect(groupsNamed(`hive-${hiveId}`)).toEqual([]);
      expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(mountsBefore);
    });

    test("a cage is adopted from its folder alone and reports its end; a dead cage is not adopted", async () => {
      const one = spec("a1", ["/bin/sh", "-c", "until [ -e /state/go ]; do sleep 0.02; done; exit 5"]);
      const first = await start(one);
      const again = await makeDriver().adopt(one);
      expect(again?.init).toEqual(first.init);
      writeFileSync(join(one.stateDir, "go"), "");
      expect(await again?.exited).toMatchObject({ code: 5 });
      await first.exited;
      expect(await makeDriver().adopt(one)).toBeNull();
      expect(groupsNamed(`hive-${hiveId}`)).toEqual([]);
    });

    test("an adopted cage can be killed", async () => {
      const one = spec("a1", ["/bin/sh", "-c", "sleep 1000"]);
      const first = await start(one);
      const again = await makeDriver().adopt(one);
      await again?.kill();
      expect(isAlive(first.init)).toBe(false);
      await first.exited;
    });

    test("a source that is missing or behind a symbolic link is refused with the reason", async () => {
      const target = join(root, "elsewhere");
      mkdirSync(target);
      symlinkSync(target, join(root, "link"));
      await expect(start(spec("a1", ["/bin/true"], { configDir: join(root, "link") }))).rejects.toThrow(/symbolic link/);
      await expect(start(spec("a1", ["/bin/true"], { configDir: join(root, "absent") }))).rejects.toThrow(/does not exist/);
    });

    test("two hives on one host have separate groups and users", async () => {
      const one = spec("a1", ["/bin/sh", "-c", "sleep 1000"]);
      const two = spec("a1", ["/bin/sh", "-c", "sleep 1000"], {
        hiveId: `${hiveId}b`,
        cageDir: join(root, "other-cage"),
        identity: driver.identityFor(`${hiveId}b`, 1),
      });
      mkdirSync(two.cageDir);
      if (one.identity.kind === "host-uid") expect(two.identity.uid).not.toBe(one.identity.uid);
      const [a, b] = [await start(one), await start(two)];
      await a.kill();
      expect(isAlive(b.init)).toBe(true);
    });
  });
}

/** Processes of a uid on the host that have not ended. A zombie is its parent's to reap. */
function processesOf(uid: number): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return statSync(`/proc/${pid}`).uid === uid && identify(Number(pid)) !== undefined;
    } catch {
      // It has ended.
      return false;
    }
  });
}
