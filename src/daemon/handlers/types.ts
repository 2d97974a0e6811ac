import type { Agent } from "../../agents/agent.ts";
import type { AllStop } from "../../agents/all-stop.ts";
import type { AgentCommands } from "../../agents/commands.ts";
import type { HarnessSession } from "../../agents/harness-session.ts";
import type { Harnesses } from "../../agents/harnesses.ts";
import type { Swarm } from "../../agents/swarm.ts";
import type { Turns } from "../../agents/turns.ts";
import type { Backups } from "../../backup/take.ts";
import type { Repos } from "../../config-repos/types.ts";
import type { Confirmations } from "../../deploys/confirmations.ts";
import type { Migration } from "../../deploys/migration.ts";
import type { HiveDeploys } from "../../deploys/open.ts";
import type { AgentFiles } from "../../files/agent-files.ts";
import type { Uploads } from "../../files/uploads.ts";
import type { Feed } from "../../eventlog/feed.ts";
import type { Paths } from "../../lib/paths.ts";
import type { Broker } from "../../messages/broker.ts";
import type { Directory } from "../../messages/directory.ts";
import type { MessageHistory } from "../../messages/history.ts";
import type { Questions } from "../../messages/questions.ts";
import type { SearchIndex } from "../../messages/search.ts";
import type { Connection } from "../../rpc/server.ts";
import type { Store } from "../../store/store.ts";
import type { ByCall } from "../../wire/by-call.ts";
import type { OperationName, Operations, Output, Parsed } from "../../wire/operations.ts";
import type { BudgetParts } from "../budget-parts.ts";
import type { AgentPages } from "../http/agent-pages.ts";
import type { Operator } from "../operator.ts";
import type { Operators } from "../operators.ts";
import type { Passkeys } from "../passkeys/passkeys.ts";
import type { Sessions } from "../sessions.ts";
import type { HiveWork } from "../../work/open.ts";
import type { ModelCredentials } from "../login/model-credentials.ts";
import type { ModelLogin } from "../login/model-login.ts";
import type { ModelUse } from "../model-use.ts";
import type { ModelAccess } from "../model-access.ts";
import type { RepoTokens } from "../repo-tokens.ts";
import type { SystemLog } from "../system-log.ts";
import type { Secrets } from "../secrets/secrets.ts";
import type { Views } from "../views.ts";

/** The parts that the handlers use. */
export interface HandlerContext {
  swarm: Swarm;
  commands: AgentCommands;
  allStop: AllStop;
  harnesses: Harnesses;
  turns: Turns;
  broker: Broker;
  directory: Pick<Directory, "nameOf">;
  history: MessageHistory;
  searchIndex: Pick<SearchIndex, "catchUp">;
  questions: Questions;
  deploys: HiveDeploys;
  confirmations: Confirmations;
  migration: Migration;
  repos: Repos;
  work: HiveWork;
  files: AgentFiles;
  uploads: Uploads;
  repoTokens: RepoTokens;
  backups: Backups;
  budgets: BudgetParts;
  modelUse: Pick<ModelUse, "plan">;
  store: Store;
  feed: Feed;
  views: Views;
  sessions: Sessions;
  operators: Operators;
  passkeys: Passkeys;
  secrets: Secrets;
  credentials: ModelCredentials;
  access: ModelAccess;
  modelLogin: ModelLogin;
  pages: Pick<AgentPages, "portOf">;
  paths: Paths;
  /** What the system of an agent's cage has logged. Absent where cages boot none. */
  systemLog: SystemLog | undefined;
  urls: { home: string; domain: string | undefined };
  /** The prefixes of model ids in the operator's prices. */
  pricedModels: readonly string[];
  now(): number;
  /** Asks the daemon to stop its cages and exit. */
  requestShutdown(words: string): void;
  onUnexpected(error: unknown): void;
}

/** A call of a page. */
export interface BrowserCall {
  /** Names the log-in: a session, or that of the trusted proxy. */
  login: string;
  /** A passkey has confirmed exactly this call. */
  isConfirmed: boolean;
}

/** The caller, as the socket or the session identifies it. */
export type CallerContext =
  | {
      kind: "operator";
      operator: Operator;
      ended: AbortSignal;
      /** Set if the call comes from a page, so an approval must name the digest of what the page showed. */
      browser?: BrowserCall;
    }
  | {
      kind: "agent";
      agent: Agent;
      connection: Connection;
      harness: HarnessSession | undefined;
      becomeHarness(session: HarnessSession): void;
    };

type Result<N extends OperationName> = Operations[N] extends { stream: true }
  ? AsyncIterable<Output<N>>
  : Operations[N] extends { reply: "by_call" }
    ? ByCall<Output<N>>
    : Promise<Output<N>> | Output<N>;

export type Handler<N extends OperationName> = (context: HandlerContext, input: Parsed<N>, caller: CallerContext) => Result<N>;

/** One handler for each operation of the contract. The compiler reports a missing one. */
export type Handlers = { [N in OperationName]: Handler<N> };
