import { ledgerConformance } from "../ledger-conformance.ts";
import { bwrapPlatform } from "./platform.ts";

ledgerConformance("bwrap", (folder, scratch) => bwrapPlatform().ledger(folder, scratch));
