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

const token = tokenIn(location.hash);
if (location.hash.startsWith("#token=")) {
  // Used or not, it does not stay in the address bar.
  history.replaceState(null, "", location.pathname);
  void enter(token);
}
document.querySelector("form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = document.querySelector<HTMLInputElement>("#token");
  if (field) void enter(tokenIn(field.value));
});
