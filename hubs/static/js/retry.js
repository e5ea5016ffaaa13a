// The button that builds a failed widget again: it stays busy until the result is shown.

// Milliseconds until the result is fetched, where none was pushed.
const PATIENCE = 20000;

// Ends waiting: something newer is shown, even if it is the same failure.
export function settle(frame) {
  const button = frame.querySelector("[data-retry][aria-disabled]");
  if (!button) return;
  button.removeAttribute("aria-disabled");
  button.querySelector("[data-retry-text]").textContent = button.dataset.text;
}

function begin(button) {
  const text = button.querySelector("[data-retry-text]");
  button.dataset.text = text.textContent;
  text.textContent = button.dataset.busy;
  button.setAttribute("aria-disabled", "true");
}

async function retry(form, button, load) {
  const frame = button.closest(".widget");
  begin(button);
  try {
    const options = { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } };
    const answer = await fetch(button.formAction, options);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    if ((await answer.json()).state !== "failed") return void load(frame);
  } catch {
    form.action = button.formAction;
    form.submit(); // the server's page says what is wrong
    return;
  }
  window.setTimeout(() => {
    if (frame.isConnected && button.hasAttribute("aria-disabled")) load(frame).finally(() => settle(frame));
  }, PATIENCE);
}

// ``load`` fetches a widget's content and shows it.
export function startRetries(load) {
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button?.matches("[data-retry]")) return;
    event.preventDefault();
    if (!button.hasAttribute("aria-disabled")) retry(event.target, button, load);
  });
}
