import "./style/login.css";

/** Extracts the token from a launch link. Any other text is the token itself. */
function tokenIn(text: string): string {
  return /#token=([^&\s]+)/.exec(text)?.[1] ?? text.trim();
}

function say(words: string): void {
  const place = document.querySelector("#say");
  if (place) place.textContent = words;
}

async function enter(token: string): Promise<void> {
  say("logging in…");
  try {
    const response = await fetch("/api/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    const answer = (await response.json()) as { ok: boolean; error?: string };
    if (answer.ok) location.replace("/");
    else say(answer.error ?? "that did not work");
  } catch {
    say("The hive does not answer. Is it running?");
  }
}

/** Logs in with the launch link that opened the page, if there is one. */
function enterByLink(): void {
  if (!location.hash.startsWith("#token=")) return;
  const token = tokenIn(location.hash);
  // Remove it from the address bar, whether it worked or not.
  history.replaceState(null, "", location.pathname);
  void enter(token);
}

enterByLink();
// Opening a launch link in this tab changes only the hash and does not reload.
addEventListener("hashchange", enterByLink);
document.querySelector("form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = document.querySelector<HTMLInputElement>("#token");
  if (field) void enter(tokenIn(field.value));
});
