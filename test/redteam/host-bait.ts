import { once } from "node:events";
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";

/** Listeners of the host that no cage may reach: they note everything that arrives. */
export class HostBait {
  /** What arrived although nothing may: one line each. */
  readonly reached: string[] = [];
  readonly abstractName = `hive-bait-${process.pid}`;
  /** An address of the host besides loopback. */
  readonly address = hostAddress();
  readonly #servers: Server[] = [];
  #udp: Datagrams | undefined;
  /** The port of the TCP listeners. */
  port = 0;

  /** `agentSocket`: where the agent of ssh listens, whose keys no one may ask for. */
  static async start(agentSocket?: string): Promise<HostBait> {
    const bait = new HostBait();
    if (agentSocket !== undefined) await bait.#listen(() => "a connection to the agent of ssh", { path: agentSocket });
    bait.port = await bait.#listen((socket) => `a connection from ${socket.remoteAddress}`, { port: 0, host: "0.0.0.0" });
    // A host without IPv6 has no such listener to reach.
    if (hasSix())
      await bait.#listen((socket) => `a connection to ::1 from ${socket.remoteAddress}`, { port: bait.port, host: "::1" });
    await bait.#listen(() => "a connection to the abstract socket", { path: `\0${bait.abstractName}` });
    const udp = createSocket("udp4");
    udp.on("message", (_, from) => bait.reached.push(`a datagram from ${from.address}`));
    udp.bind(0, "0.0.0.0");
    await once(udp, "listening");
    bait.#udp = udp;
    return bait;
  }

  /** The port of the datagram socket. */
  get udpPort(): number {
    return this.#udp?.address().port ?? 0;
  }

  async #listen(words: (socket: Socket) => string, at: { port?: number; host?: string; path?: string }): Promise<number> {
    const server = createServer((socket) => {
      this.reached.push(words(socket));
      greet(socket);
    });
    await new Promise<void>((resolve) => server.listen(at, resolve));
    this.#servers.push(server);
    return at.path === undefined ? (server.address() as AddressInfo).port : 0;
  }

  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#udp) this.#udp.close(resolve);
    else resolve();
    await Promise.all([promise, ...this.#servers.map((server) => new Promise((closed) => server.close(closed)))]);
  }
}

/** Answers a connection that must not be. Its client may cut it. */
function greet(socket: Socket): void {
  socket.on("error", () => socket.destroy());
  // Without a reader its end is never seen, and the listener cannot be closed.
  socket.resume().end("the host");
}

const hasSix = (): boolean => Object.values(networkInterfaces()).some((all) => all?.some(({ family }) => family === "IPv6"));

/** An address of this machine besides loopback. A machine without one has nothing to reach. */
function hostAddress(): string {
  const all = Object.values(networkInterfaces()).flat();
  return all.find((one) => one && !one.internal && one.family === "IPv4")?.address ?? "127.0.0.1";
}
