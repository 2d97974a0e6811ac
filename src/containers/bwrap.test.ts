import { bwrapDriver } from "./bwrap.ts";
import { conformance } from "./conformance.ts";

conformance("bwrap", () => bwrapDriver());
