import { z } from "zod";
import { MAX_BODY_BYTES } from "./limits.ts";
import { Id, Instant, Seq } from "./names.ts";

const encoder = new TextEncoder();

/** The length of a text in bytes of UTF-8. */
export const utf8Bytes = (text: string): number => encoder.encode(text).length;

/** A message body: well-formed Unicode, 1 byte to 256 KiB as UTF-8. */
export const Body = z.string().check((ctx) => {
  const text = ctx.value;
  if (text.length === 0) {
    ctx.issues.push({ code: "custom", input: text, message: "a message needs at least one byte" });
    return;
  }
  // A code unit is at most 3 bytes of UTF-8, so most bodies are not counted.
  if (text.length * 3 > MAX_BODY_BYTES && utf8Bytes(text) > MAX_BODY_BYTES) {
    ctx.issues.push({
      code: "custom",
      input: text,
      message: `a message is at most ${MAX_BODY_BYTES} bytes; put long texts in a file under /state and send the path`,
    });
    return;
  }
  if (!text.isWellFormed()) {
    ctx.issues.push({ code: "custom", input: text, message: "the text has a lone surrogate, which is not UTF-8" });
  }
});

/**
 * The life of a message: `queued` → `leased` (in a turn) → `done`. A returned message is `queued` again. It is `dead`
 * after too many failures of its own, `dropped` by the operator or a cancel, and `held` while its chain waits for the
 * operator.
 */
export const MessageState = z.enum(["queued", "leased", "done", "dead", "dropped", "held"]);
export type MessageState = z.infer<typeof MessageState>;

/** A message as every reader outside the broker sees it. An upsert by `id`; `seq` grows with every change. */
export const MessageView = z.object({
  id: Id,
  seq: Seq,
  from: z.string(),
  /** The name of the operator who sent it, if it is `from` operator but not over host.sock. */
  operator: z.string().optional(),
  to: z.string(),
  /** Absent after retention has pruned it. If `cut`, its beginning. */
  body: z.string().optional(),
  /** True if `body` or `reason` is only a beginning. `message` returns the whole. */
  cut: z.boolean().optional(),
  /** The length of the whole body, if `cut`. Bytes of UTF-8. */
  body_bytes: z.number().int().optional(),
  in_reply_to: Id.optional(),
  /** The first message of the chain: messages that agents sent while they handled each other's messages. */
  chain: Id,
  hops: z.number().int(),
  state: MessageState,
  redelivered: z.boolean(),
  failures: z.number().int(),
  reason: z.string().optional(),
  created_at: Instant,
  updated_at: Instant,
});
export type MessageView = z.infer<typeof MessageView>;

/** What every listing of messages returns. */
export const messagePage = {
  messages: z.array(MessageView),
  /**
   * True if there are more: ask again with `before` the smallest id here. A listing ends early when it is full of bytes.
   */
  more: z.boolean().optional(),
};

/** What a harness gets with a lease. */
export const LeasedMessage = z.object({
  id: Id,
  from: z.string(),
  body: z.string(),
  in_reply_to: Id.optional(),
  redelivered: z.boolean(),
  created_at: Instant,
});
export type LeasedMessage = z.infer<typeof LeasedMessage>;

/** The answer to a send. */
export const Sent = z.object({
  /** One row per recipient, ordered by name for `*`. */
  sent: z.array(z.object({ id: Id, to: z.string(), state: MessageState })),
  /** True if this `client_id` was stored before. Nothing new was sent. */
  duplicate: z.boolean(),
  /** Recipients that refused the message, with the reason. Only for `*`. */
  refused: z.array(z.object({ to: z.string(), error: z.string() })),
});
