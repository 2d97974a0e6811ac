import { ledgerConformance } from "../ledger-conformance.ts";
import { bwrapPlatform } from "./platform.ts";

ledgerConformance("bwrap", (paths) => bwrapPlatform().ledger(paths));
