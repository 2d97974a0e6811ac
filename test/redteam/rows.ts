import { budgetRows } from "./rows/budgets.ts";
import { checkRows } from "./rows/checks.ts";
import { doorRows } from "./rows/doors.ts";
import { egressRows } from "./rows/egress.ts";
import { fileRows } from "./rows/files.ts";
import { gitRows } from "./rows/git.ts";
import { identityRows } from "./rows/identity.ts";
import { kernelRows } from "./rows/kernel.ts";
import { modelRows } from "./rows/model.ts";
import { networkRows } from "./rows/network.ts";
import { persistenceRows } from "./rows/persistence.ts";
import { resourceRows } from "./rows/resources.ts";
import { secretRows } from "./rows/secrets.ts";
import { sshRows } from "./rows/ssh.ts";
import type { CageRow } from "./row.ts";

/** Every attempt from inside a cage. */
export const cageRows: readonly CageRow[] = [
  ...networkRows,
  ...egressRows,
  ...doorRows,
  ...modelRows,
  ...gitRows,
  ...sshRows,
  ...fileRows,
  ...secretRows,
  ...checkRows,
  ...kernelRows,
  ...identityRows,
  ...persistenceRows,
  ...resourceRows,
  ...budgetRows,
];
