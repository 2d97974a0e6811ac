import { z } from "zod";
import { connectWith, type Contract, type LineClient } from "../rpc/line-client.ts";

// Compiled checks pay off after dozens of lines. A verb reads one or two.
z.config({ jitless: true });

/** Connects to host.sock with this part of the contract. */
export function connectHost(contract: Contract, path: string): Promise<LineClient> {
  return connectWith(contract, path, { ordered: true });
}
