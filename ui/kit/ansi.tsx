import Anser from "anser";
import type { ReactNode } from "react";
import { visible } from "../lib/text.ts";

/** Terminal text as coloured spans. Sequences other than colours are dropped; other hidden characters are made visible. */
export function Ansi({ text }: { text: string }): ReactNode {
  // OSC (titles, links, clipboard) and every CSI that is not a colour.
  const coloured = text
    .replace(/\u001B\][^\u0007\u001B]*(?:\u0007|\u001B\\)?/g, "")
    .replace(/\u001B\[[0-9;?]*[A-LN-Za-ln-z]/g, "");
  if (!coloured.includes("\u001B[")) return visible(coloured);
  return Anser.ansiToJson(coloured, { use_classes: true, remove_empty: true }).map((piece, index) => (
    <span key={index} className={`${piece.fg ?? ""} ${piece.decorations.includes("bold") ? "ansi-bold" : ""}`}>
      {visible(piece.content)}
    </span>
  ));
}
