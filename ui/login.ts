import "./style/login.css";

/** Takes the token out of a launch link, or what was pasted as it is. */
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

/** Uses the launch link that the page was opened with, if it was with one. */
function enterByLink(): void {
  if (!location.hash.startsWith("#token=")) return;
  const token = tokenIn(location.hash);
  // Used or not, it does not stay in the address bar.
  history.replaceState(null, "", location.pathname);
  void enter(token);
}

enterByLink();
// A link that is opened in the tab that shows this page loads nothing anew.
addEventListener("hashchange", enterByLink);
document.querySelector("form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = document.querySelector<HTMLInputElement>("#token");
  if (field) void enter(tokenIn(field.value));
});
