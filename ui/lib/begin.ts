import { SharedStream } from "./shared-stream.ts";
import { snapshotInPage } from "./start.ts";

/*
 * The page's first script, and small: the line to the hive is asked for while the rest of the code is still on its way.
 * So the line stands when the first rows are drawn, from the position of the snapshot that came with them.
 */
export const snapshot = snapshotInPage();
export const stream = new SharedStream();
if (snapshot) stream.moveTo(snapshot.seq);
