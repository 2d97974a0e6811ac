import { createHash } from "node:crypto";
import { CageError } from "./driver.ts";

/**
 * Host uids from which agents get theirs: above what people, services, subordinate ids and systemd's containers use,
 * below what systemd keeps for foreign trees and what does not fit into a signed number.
 */
const FIRST_UID = 0x7000_0000;
const END_UID = 0x7ffe_0000;
/** Agents of all time that one hive can have: each keeps its uid for ever. */
const UIDS_PER_HIVE = 0x4000;
/** The number of the last agent that a hive can have. */
export const LAST_ORDINAL = UIDS_PER_HIVE - 1;
const HIVES = (END_UID - FIRST_UID) / UIDS_PER_HIVE;

/** Whether a uid is one of those that agents of any hive get. */
export function isAgentUid(uid: number): boolean {
  return uid >= FIRST_UID && uid < END_UID;
}

/**
 * The host uid of the nth agent of a hive. Each hive has a range of its own, chosen by its random id, so that two hives
 * on one host share neither files nor per-user limits; that two of them meet has a chance of 1 in 16,000.
 */
export function hostUid(hiveId: string, ordinal: number): number {
  if (ordinal >= UIDS_PER_HIVE) throw new CageError(`a hive can have at most ${UIDS_PER_HIVE} agents of all time`);
  const slot = createHash("sha256").update(hiveId).digest().readUInt32BE(0) % HIVES;
  return FIRST_UID + slot * UIDS_PER_HIVE + ordinal;
}
