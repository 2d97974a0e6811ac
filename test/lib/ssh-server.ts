import { execFileSync, spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import type { HostKey } from "../../src/wire/remote.ts";
import { GitServer } from "./git-server.ts";
import { USER, sshd } from "./sshd.ts";

/** A pair of keys in files, made by OpenSSH. */
interface Pair {
  file: string;
  private: string;
  public: string;
  /** The line of the private key that has the secret itself. The lines before it are much the same in all keys. */
  secret: string;
}

/**
 * A git server on loopback behind OpenSSH's own server, for one repository. Each connection has an sshd of its own, which
 * lets in its user with the keys that are authorized.
 */
export class SshServer extends GitServer {
  readonly user = USER;
  /** The key that is let in. */
  readonly key: Pair;
  /** Answers a connection in place of sshd. True: it has taken it. */
  insteadOfSsh: (socket: Socket) => boolean = () => false;
  /** How many connections were made. */
  connections = 0;
  #hostKey: Pair;
  readonly #sockets = new Set<Socket>();
  readonly #listener = createServer({ pauseOnConnect: true }, (socket) => this.#serve(socket));

  constructor() {
    super();
    this.#hostKey = this.pair("host");
    this.key = this.pair("operator");
    this.authorize(this.key.public);
    writeFileSync(join(this.folder, "sshd.log"), "");
  }

  override async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#listener.listen(0, "127.0.0.1", resolve));
    return this;
  }

  override get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  override get address(): string {
    return this.addressOf(this.bare);
  }

  addressOf(path: string): string {
    return `ssh://${this.user}@127.0.0.1:${this.port}${path}`;
  }

  /** Makes a pair of keys with OpenSSH. */
  pair(name: string, ...options: string[]): Pair {
    const file = join(this.folder, name);
    for (const one of [file, `${file}.pub`]) rmSync(one, { force: true });
    const argv = options.includes("-N") ? [] : ["-N", ""];
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-C", name, "-f", file, ...argv, ...options], { stdio: "ignore" });
    const text = readFileSync(file, "utf8");
    return { file, private: text, public: readFileSync(`${file}.pub`, "utf8").trim(), secret: text.split("\n")[4] ?? "" };
  }

  /** Lets in these keys alone. */
  authorize(...keys: string[]): void {
    writeFileSync(join(this.folder, "authorized"), keys.map((key) => `restrict ${key}\n`).join(""));
  }

  /** Runs a script of the shell for the key of the operator, in place of what it asks for. */
  answerWith(script: string): void {
    const file = join(this.folder, "answer.sh");
    writeFileSync(file, script);
    writeFileSync(join(this.folder, "authorized"), `restrict,command="sh ${file}" ${this.key.public}\n`);
  }

  /** Gives the host another key. */
  changeHostKey(...options: string[]): void {
    this.#hostKey = this.pair(`host-${this.connections}`, ...options);
  }

  /** The key of the host, as `ssh-keygen -l` prints it. */
  get hostKey(): HostKey {
    const printed = execFileSync("ssh-keygen", ["-l", "-f", this.#hostKey.file], { encoding: "utf8" });
    const [type = ""] = readFileSync(`${this.#hostKey.file}.pub`, "utf8").split(" ");
    return { type: type as HostKey["type"], fingerprint: printed.split(" ")[1] ?? "" };
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.on("error", () => {}); // The other end is gone.
    if (this.insteadOfSsh(socket)) return;
    const { argv, env } = sshd(this.folder, {
      HostKey: this.#hostKey.file,
      AuthorizedKeysFile: join(this.folder, "authorized"),
      AuthenticationMethods: "publickey",
      PermitRootLogin: "yes",
      StrictModes: "no",
      UsePAM: "no",
      PidFile: "none",
      LogLevel: "ERROR",
    });
    const [program, ...rest] = argv;
    spawn(program, [...rest, "-E", join(this.folder, "sshd.log")], { env, stdio: [socket, socket, "ignore"] }).on("error", () =>
      socket.destroy(),
    );
    // The child has a copy of it.
    socket.destroy();
  }

  override async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#listener.close(resolve));
    await super.stop();
  }
}
