import { createServer, Socket, type Server } from "node:net";

/**
 * Bytes per read from a connection: the most that the kernel delivers at once, and the size that Node would allocate.
 */
const READ_BYTES = 64 * 1024;

/**
 * Takes the bytes of one read: the first `count` of `buffer`. They are valid until the function returns. The next read
 * of any connection overwrites them.
 */
export type TakeBytes = (buffer: Buffer, count: number) => void;

/**
 * An accepted connection. Its bytes arrive through `onBytes`, not through an event. Everything else is on the socket.
 */
export interface Accepted {
  socket: Socket;
  /** Sets the receiver of all further bytes. */
  onBytes(take: TakeBytes): void;
}

/**
 * Creates a server of half-open sockets that reads all connections into one buffer (docs/adr/0033-one-read-buffer.md).
 * Node supports this for outgoing sockets (`onread`) but not for accepted ones. There each read allocates 64 KiB and
 * passes through the stream machinery, which was a tenth of the cost of a send. So the accepted socket's handle moves
 * to a second socket that is created with `onread`. If Node hides the handle, bytes arrive as `data` events.
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
    // The server counts the first socket, so it must end with the second.
    socket.once("close", () => first.destroy());
    onAccepted({ socket, onBytes });
  });
}
