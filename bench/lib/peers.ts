import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLines, type Lines } from "./wire.ts";

/** A peer broker on loopback, started for the bench with its own settings. */
export interface Peer {
  /** Its port on 127.0.0.1, as an argument of a role. */
  port: string;
  stop(): Promise<void>;
}

/** The path of a program, or undefined if it is not installed or not executable. */
function find(program: string): string | undefined {
  for (const folder of [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/bin"]) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return join(folder, program);
    } catch {
      // The next folder may have it.
    }
  }
  return undefined;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function reach(port: number, child: ChildProcess): Promise<Lines> {
  for (;;) {
    try {
      return await openLines({ port, host: "127.0.0.1" });
    } catch (error) {
      if (child.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function stopper(child: ChildProcess, folder: string): () => Promise<void> {
  return async () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
}

/** Redis streams with an fsync before every answer; undefined without `redis-server`. */
export async function redisAlways(): Promise<Peer | undefined> {
  const program = find("redis-server");
  if (program === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "bench-redis-"));
  const port = await freePort();
  const settings = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "yes"];
  const child = spawn(program, [...settings, "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"], {
    stdio: "ignore",
  });
  (await reach(port, child)).close();
  return { port: `${port}`, stop: stopper(child, folder) };
}

/** NATS JetStream with file storage, as Debian packages it; undefined without `nats-server`. */
export async function natsDefault(): Promise<Peer | undefined> {
  const program = find("nats-server");
  if (program === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "bench-nats-"));
  const port = await freePort();
  const config = join(folder, "nats.conf");
  writeFileSync(config, `listen: "127.0.0.1:${port}"\njetstream { store_dir: ${JSON.stringify(folder)} }\n`);
  const child = spawn(program, ["-c", config], { stdio: "ignore" });
  const control = await reach(port, child);
  const request = await natsRequests(control, "control");
  const stream = { name: "INBOX", subjects: ["inbox"], storage: "file", retention: "limits", num_replicas: 1 };
  const made = await request("$JS.API.STREAM.CREATE.INBOX", JSON.stringify(stream));
  if (made.includes('"error"')) throw new Error(`NATS says ${made}`);
  control.close();
  return { port: `${port}`, stop: stopper(child, folder) };
}

/** Requests over one connection, one at a time: publishes with a reply subject and reads the reply. */
export async function natsRequests(lines: Lines, name: string): Promise<(subject: string, body: string) => Promise<string>> {
  const line = async (): Promise<string> => (await lines.next()).trimEnd();
  await line(); // INFO
  lines.write(`CONNECT {"verbose":false,"pedantic":false}\r\nSUB reply.${name} 1\r\nPING\r\n`);
  while ((await line()) !== "PONG");
  return async (subject, body) => {
    lines.write(`PUB ${subject} reply.${name} ${Buffer.byteLength(body)}\r\n${body}\r\n`);
    for (;;) {
      const head = await line();
      if (head === "PING") lines.write("PONG\r\n");
      else if (head.startsWith("MSG")) return line();
      else throw new Error(`NATS says ${head}`);
    }
  };
}
