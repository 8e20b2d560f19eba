// What makes the panel more comfortable; every page does its work without this file.
"use strict";

document.documentElement.classList.add("scripted");

function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  navigator.clipboard.writeText(source.value).then(() => {
    const before = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = before; }, 2000);
  });
}

// A form with data-confirm names a <dialog>, which asks before the form is sent; without it a page asks.
function confirmFirst(event) {
  const form = event.target;
  const dialog = document.getElementById(form.dataset.confirm || "");
  if (!dialog || form.dataset.confirmed) return;
  event.preventDefault();
  const submitter = event.submitter;
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "yes") return;
    form.dataset.confirmed = "yes";
    form.requestSubmit(submitter);
  }, { once: true });
  dialog.returnValue = "";
  dialog.showModal();
}

// Parts of a page that change by themselves are read anew while somebody looks.
function refresh(part) {
  const seconds = Number(part.dataset.refreshSeconds);
  setInterval(async () => {
    if (document.hidden || part.contains(document.activeElement)) return;
    const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (fresh) part.replaceChildren(...fresh.childNodes);
  }, seconds * 1000);
}

document.addEventListener("submit", confirmFirst);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-submit-on-change]");
  if (form) form.requestSubmit();
  const all = event.target.closest("[data-picks-all]");
  if (all) {
    for (const box of document.querySelectorAll("input[name=ids]")) box.checked = all.checked;
  }
});
document.querySelectorAll("[data-refresh-seconds]").forEach(refresh);
document.querySelector("[data-focus]")?.focus();
