import { conformance } from "../../src/platforms/conformance.ts";
import { nixosDriver } from "../../src/platforms/nixos/driver.ts";
import { SYSTEM, helperOf } from "./helper.ts";

/** The driver's contract on a NixOS host: `npm run nixos-host` runs this file there. */

conformance("nixos-container", () => nixosDriver({ helperOf, systemOf: () => SYSTEM }));
