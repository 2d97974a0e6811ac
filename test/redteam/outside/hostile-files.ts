import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectLines, type LineClient } from "../../../src/rpc/client.ts";
import { addPerson } from "./people.ts";
import type { Place } from "./place.ts";
import { terminal } from "./terminal.ts";

/** Files with which an agent attacks the operators who look at them, made by programs in its cage. A viewer looks. */

/** The agent that has made them. */
export const HOSTILE = "eve";

/** A name that would retitle a terminal and write to its clipboard. */
const STEERING = "a\\u001b]0;evil\\u0007\\u001b]52;c;ZXZpbA==\\u0007\\u202eb";

/** Links lead to files of the host, to the state folder of the hive and to the program that reads for the operator. */
const PREPARE = `
cd /state && mkdir real names sparse && echo "a file of its own" > real/shadow && echo "<script>alert(1)</script>" > page.html
ln -s /etc/shadow to-passwords && ln -s / to-root && ln -s ../../../../hive.db to-database && ln -s ../../.. to-agents
ln -s /proc/self/environ to-reader && ln -s /proc/self/root to-reader-root && ln -s real/shadow to-own && ln -s real to-real
mkdir mixed && cp real/shadow mixed/own && ln -s /etc/shadow mixed/passwords && ln -s / mixed/root && mkfifo mixed/fifo
mkfifo fifo && truncate -s 7T sparse/file
python3 -c 'open("/state/names/" + "${STEERING}", "w").write("x")'
mkdir -p copied/deep && cp real/shadow copied/deep/own && ln -s /etc/shadow copied/passwords && ln -s / copied/root && mkfifo copied/fifo
python3 -c 'import os; os.symlink("/etc/shadow", "/state/copied/" + "${STEERING}")'
ln -s /state/real inbox && ls -a && echo prepared`;

/** Swaps a folder for a link and back until it is told to stop. */
const SWAP = `
cat > /tmp/swap.py <<'END'
import os, shutil
os.makedirs("/state/a", exist_ok=True)
open("/state/a/environ", "w").write("a file of its own")
os.symlink("/proc/self", "/state/b")
while not os.path.exists("/state/stop"):
    os.rename("/state/a", "/state/swapped")
    os.rename("/state/swapped", "/state/a")
    os.rename("/state/b", "/state/swapped")
    os.rename("/state/swapped", "/state/b")
END
setsid python3 /tmp/swap.py > /dev/null 2>&1 & echo swapping`;

/** Files of the folder that changes: half of them in folders of their own. */
export const CHANGING = 64;
/** What is in the files to which the links lead. */
export const ELSEWHERE = "led elsewhere";

/** Swaps files and folders of a folder for links, each many times a second, until it is told to stop. */
const CHANGE = `
cat > /tmp/change.py <<'END'
import ctypes, os
rename = ctypes.CDLL(None).renameat2
for n in range(${CHANGING}):
    own, other = "/state/changing/own%02d" % n, "/state/away/link%02d" % n
    os.makedirs("/state/away/folder", exist_ok=True)
    if n % 2: os.makedirs(own)
    else: os.makedirs("/state/changing", exist_ok=True)
    open(own + "/file" if n % 2 else own, "w").write("a file of its own")
    os.symlink("/state/away/folder" if n % 2 else "/state/away/file", other)
for path in "/state/away/file", "/state/away/folder/file": open(path, "w").write("${ELSEWHERE}")
open("/state/away/ready", "w")
names = [(b"/state/changing/own%02d" % n, b"/state/away/link%02d" % n) for n in range(${CHANGING})]
while not os.path.exists("/state/unchanging"):
    for own, other in names: rename(-100, own, -100, other, 2)
END
setsid python3 /tmp/change.py > /dev/null 2>&1 & until [ -e /state/away/ready ]; do sleep 0.1; done; echo changing`;

export class HostileFiles {
  readonly #place: Place;
  readonly #viewer: LineClient;
  readonly #socket: string;

  private constructor(place: Place, viewer: LineClient, socket: string) {
    this.#place = place;
    this.#viewer = viewer;
    this.#socket = socket;
  }

  static async start(place: Place): Promise<HostileFiles> {
    const { socket } = await addPerson(place, "frida", "viewer");
    const viewer = await connectLines(socket, { ordered: true });
    place.atEnd(async () => viewer.close());
    const files = new HostileFiles(place, viewer, socket);
    await files.#run("prepare", PREPARE);
    const { entries } = await viewer.call("file_list", { name: HOSTILE, path: "/state" });
    const kinds = Object.fromEntries(entries.map(({ name, kind }) => [name, kind]));
    // What is not there would be refused for that.
    if (kinds["to-passwords"] !== "link" || kinds["fifo"] !== "fifo" || kinds["inbox"] !== "link")
      throw new Error(`the agent has prepared only ${JSON.stringify(kinds)}`);
    return files;
  }

  /** Reads a file as the viewer. */
  async read(path: string): Promise<string> {
    const { file } = await this.#viewer.call("file_read", { name: HOSTILE, path });
    return file.text ?? `${file.bytes} bytes, ${file.shows}`;
  }

  async list(path: string): Promise<string> {
    return (await this.#viewer.call("file_list", { name: HOSTILE, path })).entries.map(({ name }) => name).join(" ");
  }

  /** Downloads a file or a folder as the viewer, with what is left out. */
  async download(path: string): Promise<{ bytes: Buffer; leftOut: string[] }> {
    const pieces: Buffer[] = [];
    const leftOut: string[] = [];
    // On a connection of its own: the end of a stream closes it.
    const client = await connectLines(this.#socket, { ordered: true });
    try {
      for await (const { piece, left_out: left, done } of client.stream("file_download", { name: HOSTILE, path })) {
        if (piece !== undefined) pieces.push(Buffer.from(piece, "base64"));
        leftOut.push(...(left ?? []).map((one) => one.path));
        if (done) break;
      }
    } finally {
      client.close();
    }
    return { bytes: Buffer.concat(pieces), leftOut };
  }

  /** What a file of the agent says to `look` while its folder is swapped for a link and back. */
  whileSwapping(look: () => Promise<void>): Promise<void> {
    return this.#meanwhile("swap", SWAP, "stop", look);
  }

  /** Has `/state/changing` changed while `look` copies it. */
  whileChanging(look: () => Promise<void>): Promise<void> {
    return this.#meanwhile("change", CHANGE, "unchanging", look);
  }

  /** Runs `look` beside a script of the agent, which ends once the file `stop` exists. */
  async #meanwhile(name: string, script: string, stop: string, look: () => Promise<void>): Promise<void> {
    await this.#run(name, script);
    try {
      await look();
    } finally {
      writeFileSync(join(await this.#place.hive.folderOf(HOSTILE), "state", stop), "");
    }
  }

  /** What the operator's terminal prints. */
  hivectl(...argv: string[]): Promise<string> {
    return terminal(this.#place.hive, argv);
  }

  /** Has the agent run a script. */
  async #run(name: string, script: string): Promise<void> {
    const { hive } = this.#place;
    writeFileSync(join(await hive.folderOf(HOSTILE), "state", `${name}.sh`), script, { mode: 0o644 });
    const { sent } = await hive.call("send", { to: HOSTILE, body: `run /state/${name}.sh` });
    await hive.untilMessage(({ id, state }) => id === sent[0]?.id && state === "done");
  }
}
