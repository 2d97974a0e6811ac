import type { Row } from "../lib/row.ts";
import { deploy } from "./deploy.ts";
import { fanOut } from "./fan-out.ts";
import { files } from "./files.ts";
import { flood } from "./flood.ts";
import { history } from "./history.ts";
import { hivectl } from "./hivectl.ts";
import { idle } from "./idle.ts";
import { ingest } from "./ingest.ts";
import { interfaceRow } from "./interface.ts";
import { modelRequest } from "./model-request.ts";
import { throughput } from "./throughput.ts";
import { toolCall } from "./tool-call.ts";
import { turns } from "./turns.ts";
import { wake } from "./wake.ts";
import { work } from "./work.ts";

/** Every row of the table, in order. To add a row, add a file to this folder and an entry here. */
export const rows: readonly Row[] = [
  wake,
  flood,
  throughput,
  toolCall,
  modelRequest,
  ingest,
  fanOut,
  turns,
  history,
  idle,
  deploy,
  hivectl,
  interfaceRow,
  work,
  files,
];
