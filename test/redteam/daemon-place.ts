import { execFile, execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { uidRange } from "../../src/platforms/uids.ts";
import { cleanEnv, TestHive } from "../lib/hive.ts";
import { children, ownRecord } from "../lib/rights.ts";

/** The checkout, which root runs. */
export const ROOT = join(import.meta.dirname, "../..");

/** The uid of a person of the host. */
export const PERSON = 54_321;

/** Sends one line to the helper, and prints what it answers. Ends with 1 if that is a refusal. */
const CLIENT = `
const socket = require("node:net").connect({ path: "/run/hive-w4rden/w4rden.sock", allowHalfOpen: true });
socket.end(process.argv[1].replaceAll("@", "\\n") + "\\n");
let said = "";
socket.on("data", (chunk) => (said += chunk.toString("latin1")));
socket.on("end", () => socket.destroy());
socket.on("error", (error) => (said += "error " + error.message));
socket.on("close", () => {
  console[/"error":|error /.test(said) || !/"code":0|"path":/.test(said) ? "error" : "log"](said);
  process.exit(/"error":|error /.test(said) || !/"code":0|"path":/.test(said) ? 1 : 0);
});`;

/** A hive that root has started through its helper, for attacks from where its daemon stands. */
export class DaemonPlace {
  readonly hive: TestHive;
  readonly #user: string;
  #uid: number | undefined;
  /** The pids of the helper and of the daemon, and the first uid of the hive's agents. */
  helper = 0;
  daemon = 0;
  first = 0;

  private constructor() {
    this.hive = new TestHive();
    this.#user = `hive-r${process.pid}`;
  }

  static async start(): Promise<DaemonPlace> {
    const place = new DaemonPlace();
    const { hive } = place;
    chmodSync(hive.folder, 0o755);
    const etc = place.etc;
    await hive.start({ by: [join(ROOT, "dist/hive-w4rden"), "start", "--user", place.#user, "--etc", etc, "--"] });
    place.helper = hive.pid;
    place.daemon = children(hive.pid)[0] ?? 0;
    place.first = uidRange(ownRecord(etc).hive_id).first;
    writeFileSync(join(hive.folder, "secret"), "of root", { mode: 0o600 });
    // A folder that root lists, in which the daemon's user may write.
    mkdirSync(join(hive.folder, "listed"));
    chownSync(join(hive.folder, "listed"), place.uid, place.uid);
    symlinkSync("/etc", join(hive.folder, "listed/etc"));
    // A folder of a person, and a repository of that person which is not exported.
    mkdirSync(join(hive.folder, "listed/person"));
    execFileSync("git", ["init", "-q", "--bare", join(hive.folder, "listed/repo")], { env: cleanEnv({ HOME: hive.folder }) });
    for (const name of ["person", "repo"])
      execFileSync("chown", ["-R", `${PERSON}:${PERSON}`, join(hive.folder, "listed", name)]);
    // With three lines that root should not have written: what no agent can have is refused all the same.
    writeFileSync(join(etc, "mounts"), `${join(hive.folder, "listed")}\n/proc\n${etc}\n${ROOT}\n`);
    return place;
  }

  get etc(): string {
    return join(this.hive.folder, "etc");
  }
  get uid(): number {
    return (this.#uid ??= Number(execFileSync("id", ["-u", this.#user], { encoding: "utf8" })));
  }

  /**
   * Runs a shell script as the daemon: its user, its user namespace and its mount namespace. The script has every
   * capability of that namespace, which is more than the daemon has.
   */
  sh(script: string): Promise<string> {
    const variables = {
      FOLDER: this.hive.folder,
      STATE: this.hive.stateDir,
      ETC: this.etc,
      HELPER: String(this.helper),
      FIRST: String(this.first),
    };
    return this.#inside(["/bin/sh", "-c", script], variables);
  }

  /**
   * Sends a request to the helper as the daemon. `$FOLDER` and `$STATE` stand for the folders, `"$FIRST"` for the uid of
   * an agent and `"$UID"` for the daemon's.
   */
  ask(request: object | string): Promise<string> {
    const line = typeof request === "string" ? request : JSON.stringify(request);
    const filled = line
      .replaceAll("$FOLDER", this.hive.folder)
      .replaceAll("$STATE", this.hive.stateDir)
      .replaceAll('"$FIRST"', String(this.first))
      .replaceAll('"$UID"', String(this.uid));
    return this.#inside(["/run/hive-w4rden/node", "-e", CLIENT, filled], {});
  }

  #inside(argv: string[], env: Record<string, string>): Promise<string> {
    const enter = ["--target", String(this.daemon), "--user", "--mount", "--setuid", "0", "--setgid", "0", "--"];
    const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    return new Promise((resolve, reject) => {
      execFile("nsenter", [...enter, ...argv], { env: { PATH: path, ...env }, cwd: "/" }, (error, stdout, stderr) => {
        if (error) reject(new Error(stderr.trim() || error.message));
        else resolve(stdout.trim() || "it succeeded");
      });
    });
  }

  async stop(): Promise<void> {
    await this.hive.dispose();
    execFileSync("userdel", [this.#user]);
  }
}
