/** Bytes within which a ClientHello must be complete: the largest TLS record, with its header. */
export const MAX_HELLO_BYTES = 16 * 1024 + 5;

export type Hello = { kind: "more" } | { kind: "not-tls" } | { kind: "hello"; serverName: string | undefined };

/**
 * Reads the server name from the first bytes of a TLS connection (RFC 8446 4.1.2, RFC 6066 3). Returns `more` until the
 * ClientHello is complete, and `not-tls` for anything else.
 */
export function readHello(bytes: Buffer): Hello {
  const handshake: Buffer[] = [];
  let offset = 0;
  // The hello may be spread over several records.
  for (;;) {
    if (bytes.length > 0 && bytes[offset] !== undefined && bytes[offset] !== 0x16) return { kind: "not-tls" };
    if (bytes.length < offset + 5) return bytes.length > MAX_HELLO_BYTES ? { kind: "not-tls" } : { kind: "more" };
    const length = bytes.readUInt16BE(offset + 3);
    if (bytes.length < offset + 5 + length) return bytes.length > MAX_HELLO_BYTES ? { kind: "not-tls" } : { kind: "more" };
    handshake.push(bytes.subarray(offset + 5, offset + 5 + length));
    offset += 5 + length;
    const message = Buffer.concat(handshake);
    if (message.length < 4) continue;
    if (message[0] !== 0x01) return { kind: "not-tls" };
    const bodyLength = message.readUIntBE(1, 3);
    if (message.length < 4 + bodyLength) continue;
    try {
      return { kind: "hello", serverName: serverNameOf(message.subarray(4, 4 + bodyLength)) };
    } catch {
      // Malformed: the tunnel is refused.
      return { kind: "not-tls" };
    }
  }
}

function serverNameOf(body: Buffer): string | undefined {
  let at = 2 + 32; // version, random
  at += 1 + body.readUInt8(at); // session id
  at += 2 + body.readUInt16BE(at); // cipher suites
  at += 1 + body.readUInt8(at); // compression methods
  if (at >= body.length) return undefined;
  const end = at + 2 + body.readUInt16BE(at);
  at += 2;
  while (at + 4 <= end) {
    const type = body.readUInt16BE(at);
    const length = body.readUInt16BE(at + 2);
    at += 4;
    if (type === 0) {
      // list length (2), name type (1, always 0: host name), name length (2), name
      if (body.readUInt8(at + 2) !== 0) return undefined;
      const nameLength = body.readUInt16BE(at + 3);
      return body.toString("latin1", at + 5, at + 5 + nameLength);
    }
    at += length;
  }
  return undefined;
}
