// Toasts stand seven seconds, longer while pointed at or focused; refusals stand until closed. Z undoes the newest.
import { announce } from "./announce.js";
import { register } from "./shortcuts.js";

const list = document.getElementById("toasts");

function dismiss(toast) {
  const held = toast.contains(document.activeElement);
  const next = toast.nextElementSibling || toast.previousElementSibling;
  toast.remove();
  if (held) (next?.querySelector("button") || document.getElementById("main"))?.focus({ preventScroll: true });
}

function speak(toast) {
  if (!("announce" in toast.dataset)) return;
  announce([...toast.querySelectorAll("p")].map((line) => line.textContent.trim()).join(" "));
}

/** Put up a copy of the toast kept in a <template>. */
export function raise(templateId) {
  const template = document.getElementById(templateId);
  if (list && template) list.append(template.content.cloneNode(true));
}

function undoNewest() {
  const buttons = list.querySelectorAll("[data-toast]:not([hidden]) [data-undo]");
  if (!buttons.length) return false;
  buttons[buttons.length - 1].click();
  return true;
}

if (list) {
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-dismiss]");
    if (button) dismiss(button.closest("[data-toast]"));
  });
  list.addEventListener("animationend", (event) => {
    if (event.target.classList.contains("toast-time")) dismiss(event.target.closest("[data-toast]"));
  });
  // A pressed undo goes from sight at once and from the page with its answer, which still needs the form to stand in it.
  list.addEventListener("submit", (event) => {
    const toast = event.target.closest("[data-toast]");
    if (toast) setTimeout(() => { toast.hidden = true; });
  });
  list.addEventListener("htmx:afterRequest", (event) => {
    const toast = event.target.closest("[data-toast]");
    if (toast) dismiss(toast);
  });
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node.matches?.("[data-toast]")) speak(node);
  }).observe(list, { childList: true });
  for (const toast of list.children) speak(toast);
  register("z", undoNewest);
  register("Control+z", undoNewest);
  register("Meta+z", undoNewest);
}

document.addEventListener("htmx:responseError", () => raise("toast-failed"));
document.addEventListener("htmx:sendError", () => raise("toast-unsent"));
document.addEventListener("htmx:timeout", () => raise("toast-unsent"));
