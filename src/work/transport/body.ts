import type { IncomingMessage } from "node:http";
import { createGunzip } from "node:zlib";
import { HiveError } from "../../wire/error.ts";
import { oneLine } from "./push-report.ts";

/**
 * The body of a request, unpacked. Throws `bad_request` for an encoding that is not served. Its iteration throws
 * `protocol` if the body is not in its encoding.
 */
export function bodyOf(request: IncomingMessage): AsyncIterable<Buffer> {
  const encoding = request.headers["content-encoding"];
  if (encoding === undefined || encoding === "identity") return request;
  if (encoding === "gzip" || encoding === "x-gzip") return unpack(request);
  throw new HiveError("bad_request", `the content encoding ${oneLine(encoding)} is not served`);
}

async function* unpack(request: IncomingMessage): AsyncGenerator<Buffer, void, undefined> {
  const unpacked = createGunzip();
  request.once("error", (error) => unpacked.destroy(error));
  try {
    for await (const chunk of request.pipe(unpacked) as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    const isMalformed = String((error as NodeJS.ErrnoException).code).startsWith("Z_");
    throw isMalformed ? new HiveError("protocol", "the request is not in gzip, as it says", { cause: error }) : error;
  }
}
