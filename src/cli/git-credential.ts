/** Attributes of a question of git to a credential helper: `key=value` lines up to an empty one, or the end. */
export function credentialQuestion(text: string): Map<string, string> {
  const [question = ""] = text.split("\n\n");
  return new Map(
    question.split("\n").flatMap((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}

/**
 * True if the question is about this address, or names none. A token is for the hive: git must not send it to another
 * host, even if its settings name this helper for it.
 */
export function isAsked(question: ReadonlyMap<string, string>, url: string): boolean {
  const { protocol, host } = new URL(url);
  return (question.get("protocol") ?? protocol.slice(0, -1)) === protocol.slice(0, -1) && (question.get("host") ?? host) === host;
}

/** The answer to git: a user name, a token, and when the token is over (which git before 2.40 ignores). */
export function credentialAnswer({ token, expires_at }: { token: string; expires_at: string }): string {
  const seconds = Math.floor(Date.parse(expires_at) / 1000);
  return [`username=hive`, `password=${token}`, `password_expiry_utc=${seconds}`].join("\n");
}
