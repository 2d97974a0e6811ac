import { useRef, useState, type ReactNode } from "react";
import { MAX_ATTACHED } from "../../src/wire/attached.ts";
import { ApiError } from "../lib/api.ts";
import { visible } from "../lib/text.ts";
import { toast } from "./toast.tsx";

/** A file beside the text, from the moment that it is dropped. */
interface Attachment {
  id: string;
  name: string;
  /** Resolves with where the receiver finds it. */
  path: Promise<string>;
  isThere: boolean;
}

export interface Attachments {
  files: readonly Attachment[];
  add(files: readonly File[]): void;
  remove(id: string): void;
  /** Takes all of them away; `putBack` returns those that were not refused. */
  take(): readonly Attachment[];
  putBack(files: readonly Attachment[]): void;
}

/** The files that go with the next text. Each is sent at once, and is refused with its reason. */
export function useAttachments(send: ((file: File) => Promise<string>) | undefined): Attachments {
  const [files, setFiles] = useState<readonly Attachment[]>([]);
  const failed = useRef(new Set<string>());
  // One after the other: the hive takes a few at once, from all operators.
  const last = useRef<Promise<unknown>>(Promise.resolve());
  const remove = (id: string): void => setFiles((all) => all.filter((one) => one.id !== id));
  return {
    files,
    add(added) {
      if (!send || added.length === 0) return;
      const room = MAX_ATTACHED - files.length;
      if (added.length > room) toast(`a message has at most ${MAX_ATTACHED} files`, "error");
      for (const file of added.slice(0, room)) {
        const id = crypto.randomUUID();
        const path = last.current.then(() => send(file));
        // A failure is told below, and the next file is sent all the same.
        last.current = path.catch(() => {});
        const name = file.name;
        setFiles((all) => [...all, { id, name, path, isThere: false }]);
        path.then(
          () => setFiles((all) => all.map((one) => (one.id === id ? { ...one, isThere: true } : one))),
          (error: unknown) => {
            failed.current.add(id);
            remove(id);
            toast(`${visible(name)}: ${error instanceof ApiError ? error.message : "it could not be sent"}`, "error");
          },
        );
      }
    },
    remove,
    take() {
      setFiles([]);
      return files;
    },
    putBack: (taken) => setFiles((all) => [...taken.filter(({ id }) => !failed.current.has(id)), ...all]),
  };
}

/** The files as a list above the box, and a button that chooses some. */
export function AttachmentList({ attachments }: { attachments: Attachments }): ReactNode {
  if (attachments.files.length === 0) return null;
  return (
    <ul className="attached" aria-label="files of the message">
      {attachments.files.map(({ id, name, isThere }) => (
        <li key={id} className="chip">
          {!isThere && <span className="spinner" aria-hidden="true" />}
          {visible(name)}
          <button type="button" className="ghost" aria-label={`without ${visible(name)}`} onClick={() => attachments.remove(id)}>
            ✕
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Chooses files, for who cannot drop or paste them. */
export function AttachButton({ attachments }: { attachments: Attachments }): ReactNode {
  const chooser = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        className="ghost attach"
        title="attach files; they can also be dropped or pasted here"
        onClick={() => chooser.current?.click()}
      >
        attach
      </button>
      <input
        ref={chooser}
        type="file"
        multiple
        hidden
        aria-label="files to attach"
        onChange={(event) => {
          attachments.add([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
    </>
  );
}
