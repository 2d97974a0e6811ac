/** The sender: an agent's id, `operator` or `system`; and a label: of a program in a cage, or which operator it is. */
export interface Sender {
  id: string;
  label?: string;
}

/** A message to be sent. */
export interface Draft {
  to: string;
  body: string;
  in_reply_to?: number | undefined;
  client_id?: string | undefined;
}
