import { SharedStream } from "./shared-stream.ts";
import { snapshotInPage } from "./start.ts";

/* The page's first script. It is small, so that the stream is requested while the rest of the code loads. The stream
   is then connected when the first rows are drawn, from the position of the embedded snapshot. */
export const snapshot = snapshotInPage();
export const stream = new SharedStream();
if (snapshot) stream.moveTo(snapshot.seq);
