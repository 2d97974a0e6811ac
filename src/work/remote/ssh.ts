import { PassThrough, type Readable } from "node:stream";
import type { Client, ClientChannel } from "ssh2";
import { HiveError } from "../../wire/error.ts";
import type { HostKey } from "../../wire/remote.ts";
import { FLUSH } from "../transport/pkt-line.ts";
import { MAX_ADVERTISED_BYTES, type Conversation, type GitServer } from "./server.ts";
import { linesOf, Said } from "./side-band.ts";
import type { SshPlace } from "./ssh-connection.ts";

/** Bytes of a line's length. */
const HEAD = 4;

interface SshOptions extends SshPlace {
  hostKey: HostKey;
  privateKey: string | undefined;
  /** The host shows another key than the one that was confirmed. */
  changed(found: HostKey): HiveError;
}

/**
 * A repository behind ssh. The daemon itself speaks it, so that no program ever has the key. One channel is opened for
 * each conversation, which runs one of git's two services; no shell, no terminal, no agent, no forwarding.
 */
export function sshServer(options: SshOptions): GitServer {
  const { address, hostKey, privateKey, changed, parts } = options;
  return {
    address,
    async open(service, signal): Promise<Conversation> {
      if (privateKey === undefined)
        throw new HiveError("forbidden", `${address} asks for a key: repo login takes a private key with --key-stdin`);
      // Read with the first ssh address only.
      const { connectSsh } = await import("./ssh-connection.ts");
      const client = await connectSsh(options, { hostKey, privateKey }, changed, signal);
      const end = (): void => void client.destroy();
      const onAbort = (): void => end();
      signal.addEventListener("abort", onAbort, { once: true });
      client.once("close", () => signal.removeEventListener("abort", onAbort));
      try {
        const channel = await exec(client, `${service} ${quoted(parts.path)}`, address);
        const { answer, said } = answerOf(channel, client, { address, signal });
        const advertised = await readList(answer, { address, said });
        return { advertised, ask: (body) => send(channel, client, answer, body), close: end };
      } catch (error) {
        end();
        throw signal.aborted ? (signal.reason as Error) : error;
      }
    },
  };
}

/** A text as one word for the shell of the server, as git itself quotes it. */
export const quoted = (text: string): string => `'${text.replaceAll(/['!]/g, (one) => `'\\${one}'`)}'`;

function exec(client: Client, command: string, address: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.once("close", () => reject(new HiveError("unavailable", `${address} closed the connection: try again`)));
    client.exec(command, (error, channel) => {
      if (error) reject(new HiveError("forbidden", `${address} does not let this key run git: check what it is allowed to do`));
      else resolve(channel);
    });
  });
}

/** What a channel answers, as a stream that fails if the connection does, and what it says besides. */
function answerOf(
  channel: ClientChannel,
  client: Client,
  { address, signal }: { address: string; signal: AbortSignal },
): { answer: PassThrough; said: Said } {
  const answer = new PassThrough();
  const said = new Said();
  let [isWhole, isBroken] = [false, false];
  channel.stderr.on("data", (bytes: Buffer) => said.add(bytes));
  channel.on("data", (bytes: Buffer) => {
    if (!answer.write(bytes)) channel.pause();
  });
  answer.on("drain", () => channel.resume());
  // The service has ended by itself: what is still to be read is all.
  channel.once("exit", () => (isWhole = true));
  channel.once("end", () => {
    if (!isBroken) answer.end();
  });
  client.once("close", () => {
    if (isWhole || answer.writableEnded) return;
    // The end of the channel that follows is not the service's.
    isBroken = true;
    const why = signal.aborted ? (signal.reason as Error) : undefined;
    answer.destroy(why ?? new HiveError("unavailable", `the connection to ${address} broke: try again`));
  });
  answer.on("error", () => {}); // Who reads it gets it as well.
  return { answer, said };
}

/** The list of refs at the beginning of an answer, with its flush. */
async function readList(answer: PassThrough, { address, said }: { address: string; said: Said }): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  // What follows the list is read later.
  for await (const { content } of linesOf(address, answer.iterator({ destroyOnReturn: false }))) {
    if (content === undefined) return Buffer.concat([...parts, FLUSH]);
    bytes += content.length + HEAD;
    if (bytes > MAX_ADVERTISED_BYTES)
      throw new HiveError("too_large", `${address} lists more than ${MAX_ADVERTISED_BYTES / 1024 ** 2} MiB of refs`);
    parts.push(Buffer.from((content.length + HEAD).toString(16).padStart(HEAD, "0")), content);
  }
  // What it says on its error output is the reason.
  const words = said.words === "" ? "" : ` (${said.words})`;
  throw new HiveError("not_found", `${address} lists no refs${words}: check the address, and what the key may do there`);
}

function send(channel: ClientChannel, client: Client, answer: PassThrough, body: Readable): Promise<Readable> {
  body.once("error", (error) => {
    // Half of a request must not look like the whole.
    client.destroy();
    answer.destroy(error);
  });
  // Where the server ends before it has read everything, its answer counts, and nothing reads the rest.
  client.once("close", () => body.destroy());
  body.pipe(channel);
  return Promise.resolve(answer);
}
