import { download, writeAll } from "./download.ts";
import { list } from "./list.ts";
import { read } from "./read.ts";
import { Refusal, type ReaderRequest } from "./request.ts";
import { write } from "./write.ts";

/**
 * The program that reads an agent's files for the operator, in a sandbox that has them and nothing else. Its one argument
 * is a `ReaderRequest`. It answers a line of JSON, and then the bytes of a file or an archive. It ends with 0 if these are
 * complete.
 */
const line = (answer: object): void => writeAll(1, Buffer.from(`${JSON.stringify(answer)}\n`));

function carryOut(request: ReaderRequest): void {
  switch (request.task) {
    case "list":
      return line(list(request.path, request));
    case "read": {
      const { bytes, content } = read(request.path, request.maxBytes);
      line({ bytes, is_read: content !== undefined });
      return content && writeAll(1, content);
    }
    case "download":
      return download(request.path, request, 1, line);
    case "write":
      write(request.folder, request.name, request.bytes);
      return line({});
  }
}

try {
  carryOut(JSON.parse(process.argv[2] ?? "") as ReaderRequest);
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  line({ refused: { code: error.code, message: error.message } });
}
