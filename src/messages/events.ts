/** What the broker reports on the bus, after the commit. */
export interface MessageEvents {
  /** An agent, by its id, has queued mail and its harness does not wait for any: its cage may be asleep. */
  mail_waiting: string;
  /** An inbox, by its agent's id or `operator`, may have changed. Reported after the waiters are answered. */
  inbox_changed: string;
}
