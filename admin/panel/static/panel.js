// What makes the panel more comfortable; every page does its work without this file.
"use strict";

document.documentElement.classList.add("scripted");

// A button holds the text to copy, or names the field that does.
function copy(button) {
  const text = button.dataset.copyText ?? document.getElementById(button.dataset.copy).value;
  const label = button.querySelector("span") ?? button;
  navigator.clipboard.writeText(text).then(() => {
    const before = label.textContent;
    label.textContent = button.dataset.copied;
    button.classList.add("done");
    setTimeout(() => { label.textContent = before; button.classList.remove("done"); }, 2000);
  });
}

// A link with data-dialog leads to a page that asks; the same question stands in a dialog of this page.
function ask(event) {
  const link = event.target.closest("[data-dialog]");
  const dialog = link && document.getElementById(link.dataset.dialog);
  if (!dialog) return;
  event.preventDefault();
  dialog.showModal();
}

function closeDialog(event) {
  const dialog = event.target.closest("[data-close]")?.closest("dialog");
  if (!dialog) return;
  event.preventDefault();
  dialog.close();
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

document.addEventListener("click", ask);
document.addEventListener("click", closeDialog);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-copy-text]");
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
