"use strict";

// The form of a page: it sends its fields as JSON where `data-action` says, with the token of the link that led here if
// it has `data-token`, and tells in the page's words what came of it.
const form = document.querySelector("form");
const button = form.querySelector("button");
const status = document.querySelector("[role=status]");

const tell = (text) => { status.textContent = text; };

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  tell("");
  try {
    const token = new URLSearchParams(location.search).get("token") ?? "";
    const secret = "token" in form.dataset ? { token } : {};
    const answer = await fetch(form.dataset.action, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...secret, ...Object.fromEntries(new FormData(form)) }),
    });
    if (answer.ok) {
      form.hidden = true;
      tell(form.dataset.done);
      return;
    }
    const problem = await answer.json().catch(() => ({}));
    const refused = problem.code === "validation_failed" && form.dataset.refused;
    tell(refused || (answer.status === 422 ? form.dataset.invalid : form.dataset.failed));
  } catch {
    tell(form.dataset.failed);
  }
  button.disabled = false;
});
