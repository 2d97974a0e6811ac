import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { sandboxedRun } from "../../os/sandboxed-run.ts";
import { ledgerConformance } from "../ledger-conformance.ts";
import { nixLedger } from "./ledger.ts";

/** A flake in place of hyperhive's, which needs nixpkgs. */
const hyperhive = mkdtempSync(join(tmpdir(), "flake-"));
writeFileSync(join(hyperhive, "flake.nix"), "{ outputs = { self }: { lib.agentSystem = facts: { config = facts; }; }; }\n");
afterAll(() => rmSync(hyperhive, { recursive: true }));

const owner = () => ({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
ledgerConformance("nixos-container", nixLedger({ sandboxedRun, hyperhive: `path:${hyperhive}`, reads: [hyperhive], owner }));
