import { approvalHandlers } from "./approvals.ts";
import { backupHandlers } from "./backup.ts";
import { budgetHandlers } from "./budgets.ts";
import { credentialHandlers } from "./credentials.ts";
import { changeHandlers } from "./changes.ts";
import { fileHandlers } from "./files.ts";
import { harnessHandlers } from "./harness.ts";
import { historyHandlers } from "./history.ts";
import { lifecycleHandlers } from "./lifecycle.ts";
import { migrationHandlers } from "./migration.ts";
import { repositoryHandlers } from "./repositories.ts";
import { readHandlers } from "./read.ts";
import { messageHandlers } from "./messages.ts";
import { modelLoginHandlers } from "./model-login.ts";
import { questionHandlers } from "./questions.ts";
import { turnHandlers } from "./turn.ts";
import { passkeyHandlers } from "./passkeys.ts";
import { operatorHandlers } from "./operators.ts";
import { secretHandlers } from "./secrets.ts";
import type { Handlers } from "./types.ts";
import { workspaceHandlers } from "./workspaces.ts";

/** The handler of every operation of the contract. */
export const handlers: Handlers = {
  ...messageHandlers,
  ...questionHandlers,
  ...lifecycleHandlers,
  ...turnHandlers,
  ...readHandlers,
  ...harnessHandlers,
  ...historyHandlers,
  ...approvalHandlers,
  ...backupHandlers,
  ...budgetHandlers,
  ...repositoryHandlers,
  ...changeHandlers,
  ...workspaceHandlers,
  ...fileHandlers,
  ...operatorHandlers,
  ...passkeyHandlers,
  ...modelLoginHandlers,
  ...secretHandlers,
  ...credentialHandlers,
  ...migrationHandlers,
};
