import { Link } from "@tanstack/react-router";
import { useCallback, type ReactNode } from "react";
import type { FileEntry } from "../../src/wire/files.ts";
import { Empty } from "../kit/panel.tsx";
import { Age } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { visible } from "../lib/text.ts";
import { sizeText } from "../../src/wire/size-text.ts";
import { FileContent } from "./file-content.tsx";

/** Where a file or folder is served to be saved. */
export const downloadAddress = (name: string, path: string): string =>
  `/api/download/${encodeURIComponent(name)}?path=${encodeURIComponent(path)}`;

/** A path of the address: one that ends with a slash is a folder. */
const isFolder = (path: string): boolean => path.endsWith("/");
const plain = (path: string): string => (path === "/" ? path : path.replace(/\/$/, ""));

/** The files of an agent in /state and /work: folders, texts, pictures, and everything else as what it is. */
export function Files({ name, path }: { name: string; path: string }): ReactNode {
  return (
    <section className="files" aria-label={`files of ${name}`}>
      <Crumbs name={name} path={path} />
      {isFolder(path) ? <Folder key={path} name={name} path={path} /> : <FileContent key={path} name={name} path={path} />}
    </section>
  );
}

/** The path, each part a link, with what can be done with it. */
function Crumbs({ name, path }: { name: string; path: string }): ReactNode {
  const parts = plain(path)
    .split("/")
    .filter((part) => part !== "");
  return (
    <div className="crumbs">
      <nav aria-label="folders">
        <To path="/">{visible(name)}</To>
        {parts.map((part, at) => {
          const isLast = at === parts.length - 1;
          const to = `/${parts.slice(0, at + 1).join("/")}${isLast && !isFolder(path) ? "" : "/"}`;
          return (
            <span key={to}>
              <span className="faint" aria-hidden="true">
                {" / "}
              </span>
              {isLast ? <b aria-current="page">{visible(part)}</b> : <To path={to}>{visible(part)}</To>}
            </span>
          );
        })}
      </nav>
      <span className="grow" />
      {path !== "/" && (
        <a className="ghost" href={downloadAddress(name, plain(path))} download="">
          {isFolder(path) ? "download as tar" : "download"}
        </a>
      )}
    </div>
  );
}

function To({ path, children }: { path: string; children: ReactNode }): ReactNode {
  return (
    <Link to="." activeOptions={{ exact: true }} search={(search) => ({ ...search, path: path === "/" ? undefined : path })}>
      {children}
    </Link>
  );
}

function Folder({ name, path }: { name: string; path: string }): ReactNode {
  const { value, error } = useFetched(useCallback(() => call("file_list", { name, path: plain(path) }), [name, path]));
  if (error !== undefined) return <Empty>{visible(error)}</Empty>;
  if (!value) return <Empty>loading…</Empty>;
  const { entries, more, uncounted } = value;
  if (entries.length === 0) return <Empty>There is nothing in this folder.</Empty>;
  return (
    <div className="scroll">
      <ul className="file-list">
        {[...entries].sort(foldersFirst).map((entry) => (
          <Row key={entry.name} entry={entry} path={path} />
        ))}
      </ul>
      {more > 0 && (
        <p className="dim">
          and {uncounted === true ? "more than " : ""}
          {more} more
        </p>
      )}
    </div>
  );
}

const foldersFirst = (a: FileEntry, b: FileEntry): number => Number(b.kind === "folder") - Number(a.kind === "folder");

/** What can be opened is a link. */
function Row({ entry, path }: { entry: FileEntry; path: string }): ReactNode {
  const { name, kind, target } = entry;
  const isOpenable = (kind === "folder" || kind === "file") && entry.not_utf8 !== true;
  const words = `${visible(name)}${kind === "folder" ? "/" : ""}`;
  return (
    <li>
      <span className="file-name">
        {isOpenable ? <To path={`${path}${name}${kind === "folder" ? "/" : ""}`}>{words}</To> : words}
        {target !== undefined && <span className="dim"> → {visible(target)}</span>}
      </span>
      <span className="amber kind">{kindWords(entry)}</span>
      <span className="dim">{kind === "file" ? sizeText(entry.bytes) : ""}</span>
      <span className="dim">{kind === "folder" && path === "/" ? "" : <Age since={entry.modified_at} />}</span>
    </li>
  );
}

/** From this size on it is worth a word that a file is sparse. Bytes. */
const SPARSE_BYTES = 1024 * 1024;

function kindWords({ kind, executable, bytes: length, on_disk: onDisk, not_utf8: notUtf8 }: FileEntry): string {
  if (kind === "folder") return "";
  if (kind !== "file") return kind;
  const isSparse = length > SPARSE_BYTES && onDisk < length / 2;
  return [isSparse ? "sparse" : "", executable === true ? "program" : "", notUtf8 === true ? "name is no UTF-8" : ""]
    .filter((one) => one !== "")
    .join(", ");
}
