"use strict";

const texts = {
  ru: {
    title: "Подтверждение адреса",
    explanation: "Нажмите кнопку, чтобы подтвердить адрес электронной почты.",
    button: "Подтвердить",
    done: "Адрес подтверждён. Теперь можно войти.",
    invalid: "Ссылка недействительна: она уже использована или устарела. Зарегистрируйтесь ещё раз, чтобы получить новую.",
    failed: "Не удалось связаться с сервером. Попробуйте ещё раз через минуту.",
  },
  en: {
    title: "Confirm your address",
    explanation: "Press the button to confirm your e-mail address.",
    button: "Confirm",
    done: "Your address is confirmed. You can sign in now.",
    invalid: "The link is not valid: it was used already or has expired. Register again to get a new one.",
    failed: "The server could not be reached. Try again in a minute.",
  },
};

const language = navigator.language.startsWith("ru") ? "ru" : "en";
const text = texts[language];
document.documentElement.lang = language;
for (const element of document.querySelectorAll("[data-text]")) {
  element.textContent = text[element.dataset.text];
}

const button = document.querySelector("button");
const status = document.querySelector("[role=status]");
const token = new URLSearchParams(location.search).get("token") ?? "";

button.addEventListener("click", async () => {
  button.disabled = true;
  status.textContent = "";
  try {
    const answer = await fetch("/api/v1/auth/confirm-email", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if (answer.ok) {
      status.textContent = text.done;
      button.hidden = true;
      return;
    }
    status.textContent = answer.status === 422 ? text.invalid : text.failed;
  } catch {
    status.textContent = text.failed;
  }
  button.disabled = false;
});
