import type { ReactNode } from "react";
import type { DiffFile } from "../../src/wire/approval.ts";
import { visible } from "../lib/text.ts";
import { Further, useGrowing } from "./further.tsx";

const folderOf = (path: string | undefined): string => path?.slice(0, Math.max(0, path.lastIndexOf("/"))) ?? "";

/** Files by folder, with the size of each change. `go` brings a file into view. */
export function FileTree({ files, go }: { files: readonly DiffFile[]; go: (path: string) => void }): ReactNode {
  const { drawn, isAll, grow } = useGrowing(files.length);
  return (
    <>
      <ul>
        {files.slice(0, drawn).map((file, n) => {
          const parent = folderOf(file.path);
          const isNewFolder = parent !== folderOf(files[n - 1]?.path);
          return (
            <li key={file.path}>
              {isNewFolder && parent !== "" && <div className="faint folder">{visible(parent)}/</div>}
              <button type="button" className={`ghost ${parent === "" ? "" : "inner"}`} onClick={() => go(file.path)}>
                {visible(file.path.slice(file.path.lastIndexOf("/") + 1))}
              </button>{" "}
              {file.added > 0 && <span className="green">+{file.added}</span>}{" "}
              {file.removed > 0 && <span className="red">−{file.removed}</span>}{" "}
              <span className="dim">
                {file.status === "modified" ? "" : file.status === "added" ? "new" : file.status.replace("_", " ")}
              </span>
            </li>
          );
        })}
      </ul>
      {!isAll && <Further words={`${files.length - drawn} more files…`} draw={grow} />}
    </>
  );
}
