import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { HiveError } from "../../wire/error.ts";
import { paced, type Pace } from "./pace.ts";
import { oneLine } from "./push-report.ts";

/**
 * The body of a request, unpacked. Throws `bad_request` for an encoding that is not served. Its iteration throws
 * `protocol` if the body is not in its encoding, and `unavailable` if it arrives too slowly.
 */
export function bodyOf(request: IncomingMessage, pace: Pace): AsyncIterable<Buffer> {
  const encoding = request.headers["content-encoding"];
  const body = paced(request, pace);
  if (encoding === undefined || encoding === "identity") return body;
  if (encoding === "gzip" || encoding === "x-gzip") return unpack(body);
  throw new HiveError("bad_request", `the content encoding ${oneLine(encoding)} is not served`);
}

async function* unpack(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const unpacked = createGunzip();
  const packed = Readable.from(body).once("error", (error) => unpacked.destroy(error));
  try {
    for await (const chunk of packed.pipe(unpacked) as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    const isMalformed = String((error as NodeJS.ErrnoException).code).startsWith("Z_");
    throw isMalformed ? new HiveError("protocol", "the request is not in gzip, as it says", { cause: error }) : error;
  }
}
