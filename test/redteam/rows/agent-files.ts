import { connectLines } from "../../../src/rpc/client.ts";
import { HOSTILE, type HostileFiles } from "../outside/hostile-files.ts";
import { refusal } from "../outside/http.ts";
import { line } from "../outside/line.ts";
import { addPerson } from "../outside/people.ts";
import type { Place } from "../outside/place.ts";
import { allRefused, asked } from "../outside/requests.ts";
import { STEERS } from "../outside/terminal.ts";
import { outsideRow, type OutsideRow } from "../row.ts";

/** Files that a hostile agent has put into its folder (`hostile-files.ts`), and operators who look at them and send some. */

const LINKS = "links are never followed";
const NOT_FOLLOWED = /links are not followed/;
const KINDS = "only the contents of files are opened";

const onSocket = outsideRow<Place>("socket", "agentfiles");
const onWeb = outsideRow<Place>("web", "agentfiles");

type Look = (files: HostileFiles) => Promise<string>;
const read =
  (path: string): Look =>
  (files) =>
    files.read(path);
const list =
  (path: string): Look =>
  (files) =>
    files.list(path);
const download =
  (path: string): Look =>
  async (files) =>
    (await files.download(path)).bytes.toString("latin1", 0, 80);

/** A viewer who looks at paths, each of which has to be refused with these words. */
const looked = (id: string, attempt: string, barrier: string, refused: RegExp, ...looks: Look[]): OutsideRow<Place> =>
  onSocket(id, attempt, barrier, refused, async (place) => {
    const files = await place.hostileFiles();
    return allRefused(
      refused,
      looks.map((look) => () => look(files)),
    );
  });

/** Sends a file as an operator. Resolves with where it is. */
async function upload(place: Place, { by, to, file }: { by: string; to: string; file: string }): Promise<string> {
  const { socket } = await addPerson(place, by, "operator");
  const client = await connectLines(socket, { ordered: true });
  try {
    const { upload: id } = await client.call("upload_start", { name: to, file, bytes: 1 });
    await client.call("upload_piece", { upload: id, piece: Buffer.from("x").toString("base64") });
    return (await client.call("upload_finish", { upload: id })).path;
  } finally {
    client.close();
  }
}

/** How often a file is read while its folder is swapped. */
const SWAPPED_READS = 12;

const downloads = (path: string): string => `/api/download/${HOSTILE}?path=${encodeURIComponent(path)}`;

export const agentFileRows: readonly OutsideRow<Place>[] = [
  looked(
    "link-passwords",
    "lead a viewer to the host's passwords by a link",
    LINKS,
    NOT_FOLLOWED,
    read("/state/to-passwords"),
    download("/state/to-passwords"),
    read("/state/to-root/etc/shadow"),
    list("/state/to-root/etc"),
    download("/state/to-root/etc"),
  ),
  looked(
    "link-hive",
    "lead a viewer to the hive's database and to other agents by a link",
    LINKS,
    NOT_FOLLOWED,
    read("/state/to-database"),
    download("/state/to-database"),
    list("/state/to-agents"),
    list("/state/to-agents/run"),
  ),
  looked(
    "link-reader",
    "lead a viewer to the program that reads for it by a link",
    LINKS,
    NOT_FOLLOWED,
    read("/state/to-reader"),
    download("/state/to-reader"),
    list("/state/to-reader-root"),
    read("/state/to-own"),
    read("/state/to-real/shadow"),
  ),
  looked(
    "path",
    "ask as a viewer for paths outside of an agent's folders",
    "the form of a path",
    /a path begins with|a path has no/,
    ...[
      "/etc/shadow",
      "/state/../../hive.db",
      "/state/..",
      "/state/./x",
      "/state//x",
      "/statex",
      "state/x",
      "/state/a\0b",
    ].flatMap((path) => [read(path), list(path), download(path)]),
  ),
  looked(
    "fifo",
    "make the reader wait for a fifo",
    KINDS,
    /is a fifo: only the contents of files are shown/,
    read("/state/fifo"),
    download("/state/fifo"),
  ),
  looked(
    "sparse",
    "make a viewer download a file of 7 TiB that takes no disk",
    "the size of a download",
    /a download has at most/,
    download("/state/sparse/file"),
    download("/state/sparse"),
  ),
  {
    ...onSocket("sparse-read", "make a viewer's page show a file of 7 TiB", "the size of what is shown", /^$/, async (place) => {
      const said = await (await place.hostileFiles()).read("/state/sparse/file");
      if (!/^\d+ bytes, too_large$/.test(said)) throw new Error(said.slice(0, 80));
      return said;
    }),
    contained: "only its size is shown",
  },
  {
    ...onSocket("archive", "put what is outside into the archive of a folder", LINKS, /^$/, async (place) => {
      const { bytes, leftOut } = await (await place.hostileFiles()).download("/state/mixed");
      const text = bytes.toString("latin1");
      if (!text.includes("a file of its own")) throw new Error("it has not the folder's own file");
      if (/root:|SQLite format/.test(text) || leftOut.join(" ") !== "fifo passwords root") throw new Error(leftOut.join(" "));
      return `${bytes.length} bytes without ${leftOut.join(", ")}`;
    }),
    contained: "it has the files of the folder and nothing else",
  },
  onSocket(
    "swapped",
    "swap a folder for a link while a viewer reads a file in it",
    "each part of a path is opened in the folder before it",
    /only its own file or a refusal/,
    async (place) => {
      const files = await place.hostileFiles();
      let words = "";
      await files.whileSwapping(async () => {
        for (let n = 0; n < SWAPPED_READS && words === ""; n++) {
          const said = await files.read("/state/swapped/environ").catch((error: unknown) => error as Error);
          const isOwn = said === "a file of its own";
          const isRefused = said instanceof Error && /links are not followed|there is no/.test(said.message);
          if (!isOwn && !isRefused) words = `it read ${String(said).slice(0, 80)}`;
        }
      });
      if (words !== "") return words;
      throw new Error("only its own file or a refusal");
    },
  ),
  onSocket(
    "name",
    "steer the operator's terminal through the name of a file",
    "unseen characters are written out",
    /every character is visible/,
    async (place) => {
      const said = await (await place.hostileFiles()).hivectl("files", HOSTILE, "/state/names");
      const steers = STEERS.exec(said);
      if (steers) return JSON.stringify(said.slice(Math.max(0, steers.index - 40), steers.index + 40));
      if (!said.includes("evil")) throw new Error(`it does not print the name: ${said.slice(0, 200)}`);
      throw new Error("every character is visible");
    },
  ),
  onSocket("upload-viewer", "send a file to an agent as a viewer", "the role of an operator", /takes the role/, async (place) => {
    const { socket } = await addPerson(place, "vilma", "viewer");
    return line(socket, [`${JSON.stringify({ cmd: "upload_start", name: HOSTILE, file: "x", bytes: 1 })}\n`]);
  }),
  onSocket(
    "upload-link",
    "lead the operator's upload elsewhere by a link in place of the inbox",
    LINKS,
    NOT_FOLLOWED,
    async (place) => {
      await place.hostileFiles();
      return upload(place, { by: "ulla", to: HOSTILE, file: "x" });
    },
  ),
  {
    ...onSocket(
      "upload-name",
      "send a file under a name that leads out of the inbox",
      "the hive makes the name",
      /^$/,
      async (place) => {
        const path = await upload(place, { by: "udo", to: "ada", file: "../../claude/../../../etc/\u001b]0;x\u0007cron" });
        if (!/^\/state\/inbox\/[A-Za-z0-9._-]+$/.test(path) || path.includes("..")) throw new Error(`it is at ${path}`);
        return path;
      },
    ),
    contained: "it is a new file in the inbox",
  },
  onSocket(
    "upload-of-another",
    "add to the upload of another operator",
    "an upload is its sender's",
    /there is no such upload/,
    async (place) => {
      const own = await connectLines((await addPerson(place, "ugo", "operator")).socket, { ordered: true });
      const other = await connectLines((await addPerson(place, "ute", "operator")).socket, { ordered: true });
      try {
        const { upload: id } = await own.call("upload_start", { name: "ada", file: "x", bytes: 1 });
        await other.call("upload_piece", { upload: id, piece: Buffer.from("y").toString("base64") });
        return "it was taken";
      } finally {
        own.close();
        other.close();
      }
    },
  ),
  onWeb("download-session", "download an agent's file without a session", "the session", /401 log in first/, async (place) => {
    await place.hostileFiles();
    return refusal(await place.ask(downloads("/state/real/shadow")));
  }),
  onWeb(
    "download-origin",
    "download an agent's file from a page of another site",
    "the check of Origin and Sec-Fetch-Site",
    /another origin/,
    async (place) => {
      await place.hostileFiles();
      const from = (headers: Record<string, string>) => () => asked(place, downloads("/state/real/shadow"), { headers });
      return allRefused(/another origin/, [
        from({ Origin: "https://evil.example" }),
        from({ "Sec-Fetch-Site": "cross-site" }),
        from({ "Sec-Fetch-Site": "same-site" }),
      ]);
    },
  ),
  onWeb(
    "download-page",
    "be a page of the dashboard's origin by a download",
    "a download is saved and has no rights",
    /attachment, sandbox/,
    async (place) => {
      await place.hostileFiles();
      const { status, headers, body } = await place.ask(downloads("/state/page.html"), { cookie: place.cookie });
      if (status !== 200 || !body.includes("alert(1)")) throw new Error(`it was not downloaded: ${status}`);
      const isSaved =
        headers["content-disposition"]?.startsWith("attachment;") && headers["content-type"] === "application/octet-stream";
      const isPowerless =
        headers["content-security-policy"]?.startsWith("sandbox;") && headers["x-content-type-options"] === "nosniff";
      if (isSaved && isPowerless) throw new Error("attachment, sandbox");
      return JSON.stringify(headers);
    },
  ),
];
