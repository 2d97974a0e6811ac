import { z } from "zod";
import { connectWith, type Contract, type LineClient } from "../rpc/line-client.ts";

// Compiled checks pay after dozens of lines; a verb reads one or two.
z.config({ jitless: true });

/** Connects to host.sock, able to call this part of the contract. */
export function connectHost(contract: Contract, path: string): Promise<LineClient> {
  return connectWith(contract, path, { ordered: true });
}
