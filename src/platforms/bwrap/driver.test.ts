import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bwrapDriver } from "./driver.ts";
import { conformance } from "../conformance.ts";
import type { CageSpec } from "../port.ts";

conformance("bwrap", () => bwrapDriver());
conformance("bwrap where no cgroup can be used", () => bwrapDriver({ limits: { kind: "prlimit", why: "no cgroup" } }));

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "bwrap-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function spec(change: Partial<CageSpec> = {}): CageSpec {
  const folder = (name: string): string => {
    mkdirSync(join(root, name), { recursive: true });
    return join(root, name);
  };
  const hiveId = "b0b0b0b0";
  return {
    hiveId,
    agentId: `t${process.pid}`,
    name: "tester",
    role: "agent",
    generation: 1,
    revision: "none",
    runtimeDir: folder("runtime"),
    socketsDir: folder("sockets"),
    claudeDir: folder("claude"),
    stateDir: folder("state"),
    workspacesDir: folder("work"),
    configDir: folder("config"),
    cageDir: folder("cage"),
    extraBinds: [],
    logFile: join(root, "cage.log"),
    env: { PATH: "/usr/bin:/bin" },
    argv: ["/bin/sh", "-c", "sleep 1000"],
    limits: { memoryBytes: 256 * 1024 * 1024, cpuPercent: 100, pids: 32 },
    identity: bwrapDriver().identityFor(hiveId, 1),
    ...change,
  };
}

test.each(["killed", "adopted and killed", "found dead"])(
  "a stopped bubblewrap still reaps its child when its cage is %s, so no zombie remains",
  async (how) => {
    const one = spec();
    const driver = bwrapDriver();
    await driver.prepare(one);
    const cage = await driver.start(one);
    const { outer } = JSON.parse(readFileSync(join(one.cageDir, "cage.json"), "utf8")) as { outer: { pid: number } };
    process.kill(outer.pid, "SIGSTOP");
    if (how === "killed") await cage.kill();
    else {
      if (how === "found dead") process.kill(cage.init.pid, "SIGKILL");
      await (await bwrapDriver().adopt(one))?.kill();
    }
    await cage.exited;
    // Not even as a zombie, which would keep its number and its user.
    expect(() => readFileSync(`/proc/${cage.init.pid}/stat`)).toThrow(/ENOENT|ESRCH/);
  },
);

describe("common programs work in a cage", () => {
  /** Runs a script in a cage, in /state. Returns its output, whatever its exit code. */
  async function inside(script: string, binds: CageSpec["extraBinds"] = []): Promise<string> {
    const one = spec({
      extraBinds: [{ host: realpathSync(process.execPath), cage: "/opt/node", mode: "ro" }, ...binds],
      env: { PATH: "/usr/bin:/bin", HOME: "/home/agent" },
      argv: ["/bin/sh", "-c", `exec > out 2>&1\n${script}`],
      limits: { memoryBytes: 2 * 1024 ** 3, cpuPercent: 400, pids: 512 },
    });
    const driver = bwrapDriver();
    await driver.prepare(one);
    await (
      await driver.start(one)
    ).exited;
    return readFileSync(join(one.stateDir, "out"), "utf8");
  }

  test("Node: threads, processes, sockets, files, device names", async () => {
    const script = `
      const { Worker } = require("worker_threads"), fs = require("fs"), net = require("net"), os = require("os");
      const { execSync } = require("child_process");
      const thread = new Worker("require('worker_threads').parentPort.postMessage('thread')", { eval: true });
      thread.on("message", (said) => {
        fs.watch("/state", () => {}).close();
        const server = net.createServer((socket) => socket.end("socket")).listen(0, "127.0.0.1", () =>
          net.connect(server.address().port).on("data", (data) => {
            server.close();
            console.log(said, String(data), String(execSync("echo child")).trim(), Object.keys(os.networkInterfaces()).join());
          }));
      });`;
    expect(await inside(`cat > x.cjs <<'END'\n${script}\nEND\n/opt/node x.cjs`)).toBe("thread socket child lo\n");
  });

  test("git: a commit, a clone, a merge", async () => {
    const out = await inside(`
      set -e
      git init -q one; cd one; git -c user.name=a commit -q --allow-empty -m first; cd ..
      git clone -q one two; cd two; git checkout -q -b side; echo x > x; git add x; git commit -q -m second
      git checkout -q main; git merge -q --no-ff -m merged side; git gc -q; git log --topo-order --format=%s`);
    expect(out.split("\n")).toEqual(["merged", "second", "first", ""]);
  });

  test("tar, cp, install and shared repositories: programs that set modes, except set-ID bits", async () => {
    const out = await inside(`
      umask 022; echo x > x; chmod 755 x
      tar --mode=4755 -cf x.tar x && rm x && tar -xf x.tar && stat -c %a x
      mkdir -m 2775 team && stat -c %a team && cp -a team again && stat -c %a again && chmod 755 again && stat -c %a again
      install -m 755 x y && cp -p y z && stat -c %a z; cp -a /usr/bin/passwd . && stat -c %a passwd
      git init -q --bare --shared s.git && stat -c %a s.git/objects
      chmod u+s x; chmod 6755 x; install -m 4755 x w 2>&- || echo no install; perl -e 'sysopen my $f, "v", 0101, 04755 or print "$!\n"'; stat -c %a x`);
    const no = "Operation not permitted";
    const modes = ["755", "2775", "2775", "2755", "755", "755", "2775"];
    expect(out.split("\n")).toEqual([
      ...modes,
      `chmod: changing permissions of 'x': ${no}`,
      `chmod: changing permissions of 'x': ${no}`,
      "no install",
      no,
      "755",
      "",
    ]);
  });

  test("npm: a package with a program is packed and installed", async () => {
    const found = (process.env["PATH"] ?? "").split(":").find((folder) => existsSync(join(folder, "npm"))) ?? "";
    const npm = dirname(dirname(realpathSync(join(found, "npm"))));
    const out = await inside(
      `mkdir -p p/bin app; echo '#!/bin/sh' > p/bin/p.sh; chmod 755 p/bin/p.sh; export npm_config_cache=/tmp/npm npm_config_offline=true
       echo '{"name":"p","version":"1.0.0","bin":"bin/p.sh"}' > p/package.json; echo '{"name":"app","version":"1.0.0"}' > app/package.json
       cd p; /opt/node /opt/npm/bin/npm-cli.js pack -s --pack-destination /state; cd ../app
       /opt/node /opt/npm/bin/npm-cli.js install -s --no-audit --no-fund ../p-1.0.0.tgz; stat -Lc %a node_modules/.bin/p`,
      [{ host: npm, cage: "/opt/npm", mode: "ro" }],
    );
    expect(out).toBe("p-1.0.0.tgz\n755\n");
  });

  test("Python: threads, its own kinds of processes, names, sockets", async () => {
    const script = `
import multiprocessing, socket, subprocess, threading, tempfile, asyncio
def double(n): return 2 * n
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool: print(pool.map(double, [1, 2]))
    seen = []
    thread = threading.Thread(target=lambda: seen.append("thread")); thread.start(); thread.join(); print(seen)
    print(subprocess.run(["echo", "child"], capture_output=True, text=True).stdout.strip())
    print(socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)[0][4][0] in ("127.0.0.1", "::1"))
    a, b = socket.socketpair(); a.send(b"pair"); print(b.recv(9))
    print(asyncio.run(asyncio.to_thread(lambda: "loop")))
`;
    const out = await inside(`cat > x.py <<'END'\n${script}\nEND\n/usr/bin/python3 x.py`);
    expect(out.split("\n")).toEqual(["[2, 4]", "['thread']", "child", "True", "b'pair'", "loop", ""]);
  });

  test("a compiler and its output: threads, and a debugger that traces a child", async () => {
    const script = `
#include <pthread.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
static void *run(void *said) { puts(said); return 0; }
int main(void) {
  pthread_t thread;
  if (pthread_create(&thread, 0, run, "thread") != 0) return 1;
  pthread_join(thread, 0);
  pid_t child = fork();
  if (child == 0) { ptrace(PTRACE_TRACEME, 0, 0, 0); raise(19); _exit(5); }
  int status;
  waitpid(child, &status, 0);
  printf("stopped %d\\n", WIFSTOPPED(status));
  ptrace(PTRACE_CONT, child, 0, 0);
  waitpid(child, &status, 0);
  printf("ended %d\\n", WEXITSTATUS(status));
}`;
    const out = await inside(`cat > x.c <<'END'\n#include <signal.h>${script}\nEND\ncc -O1 -pthread -o x x.c && ./x`);
    expect(out).toBe("thread\nstopped 1\nended 5\n");
  });

  test("Chromium renders a page and runs its script", async () => {
    const page = "data:text/html,<p></p><script>document.querySelector('p').textContent=6*7</script>";
    const flags = "--headless --no-sandbox --disable-gpu --no-first-run --user-data-dir=/tmp/profile --dump-dom";
    expect(await inside(`chromium ${flags} "${page}"`)).toContain("<p>42</p>");
  });
});
