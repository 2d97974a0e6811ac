/** Events of the broker. Each is emitted after its commit. */
export interface MessageEvents {
  /** The id of an agent that has queued mail but no waiting harness. Its cage may be asleep. */
  mail_waiting: string;
  /** The id of an agent, or `operator`, whose inbox may have changed. Emitted after the waiters are answered. */
  inbox_changed: string;
}
