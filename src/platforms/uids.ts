import { createHash } from "node:crypto";
import { CageError } from "./port.ts";

/**
 * The range of host uids for agents: above the uids of people, services, subordinate ids and systemd's containers,
 * below those that systemd reserves for foreign trees and those that do not fit a signed number.
 */
const FIRST_UID = 0x7000_0000;
const END_UID = 0x7ffe_0000;
/** Uids of one hive. Each agent keeps its own permanently. */
const UIDS_PER_HIVE = 0x4000;
/**
 * The last ordinals are no agent's: as `LAST_ORDINAL` mounts are tried, as `GIT_ORDINAL` git runs for the hive, and
 * checks of changes run as `CHECK_ORDINALS` from `FIRST_CHECK_ORDINAL` on, one each, and as `LOGIN_ORDINAL` the CLI logs
 * in to the model. Unlike an agent's, such a uid is used again: it owns no file and no process once its run has ended. A
 * hive has `MAX_AGENTS` agents of all time: as many as there are ordinals before the first of these.
 */
export const LAST_ORDINAL = UIDS_PER_HIVE - 1;
export const GIT_ORDINAL = LAST_ORDINAL - 1;
export const CHECK_ORDINALS = 16;
export const FIRST_CHECK_ORDINAL = GIT_ORDINAL - CHECK_ORDINALS;
export const LOGIN_ORDINAL = FIRST_CHECK_ORDINAL - 1;
export const MAX_AGENTS = FIRST_CHECK_ORDINAL - 1;
const HIVES = (END_UID - FIRST_UID) / UIDS_PER_HIVE;

/** Whether a uid is in the range for agents of any hive. */
export function isAgentUid(uid: number): boolean {
  return uid >= FIRST_UID && uid < END_UID;
}

/**
 * The host uid of the nth agent of a hive. Each hive has its own range, chosen by its random id, so that two hives on
 * one host share neither files nor per-user limits. Two hives collide with a probability of 1 in 16,000.
 */
export function hostUid(hiveId: string, ordinal: number): number {
  if (ordinal >= UIDS_PER_HIVE) throw new CageError(`a hive has ${UIDS_PER_HIVE} uids: there is none with the number ${ordinal}`);
  return uidRange(hiveId).first + ordinal;
}

/** The host uids of a hive. */
export function uidRange(hiveId: string): { first: number; count: number } {
  const slot = createHash("sha256").update(hiveId).digest().readUInt32BE(0) % HIVES;
  return { first: FIRST_UID + slot * UIDS_PER_HIVE, count: UIDS_PER_HIVE };
}
