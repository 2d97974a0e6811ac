import { createServer, Socket, type Server } from "node:net";

/** Bytes that one read takes from a connection: what the kernel hands over at once at most, and what Node would allocate. */
const READ_BYTES = 64 * 1024;

/**
 * Takes what was read: the first `count` bytes of `buffer`. They are the taker's until it returns: the next read, of any
 * connection, overwrites them.
 */
export type TakeBytes = (buffer: Buffer, count: number) => void;

/** An accepted connection. Its bytes come through `onBytes` and by no event; everything else is the socket's. */
export interface Accepted {
  socket: Socket;
  /** Where bytes go from now on. */
  onBytes(take: TakeBytes): void;
}

/**
 * A server of half-open sockets that reads all its connections into one buffer (docs/adr/0033-one-read-buffer.md). Node
 * has that for sockets that connect (`onread`) and not for those that are accepted: there, each read allocates 64 KiB and
 * passes through the machinery of streams, which was a tenth of the cost of a send. So the accepted socket's handle goes
 * to a second one that is made with `onread`. Where a Node hides the handle, bytes come as events, as ever.
 */
export function createReadingServer(onAccepted: (accepted: Accepted) => void): Server {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  return createServer({ allowHalfOpen: true, pauseOnConnect: true }, (first: Socket & { _handle?: unknown }) => {
    let take: TakeBytes = () => {};
    const onBytes = (next: TakeBytes): void => void (take = next);
    const handle = first._handle;
    if (!handle) {
      first.on("data", (bytes: Buffer) => take(bytes, bytes.length)).resume();
      return onAccepted({ socket: first, onBytes });
    }
    first._handle = null;
    const options: object = {
      handle,
      allowHalfOpen: true,
      onread: {
        buffer,
        callback(count: number) {
          take(buffer, count);
          return true;
        },
      },
    };
    const socket = new Socket(options);
    // The server counts the first one: it must end with the second.
    socket.once("close", () => first.destroy());
    onAccepted({ socket, onBytes });
  });
}
