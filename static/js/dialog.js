// Dialogs. A link or form that htmx answers into #dialog opens it; an empty answer closes it; the plain link is its page.
// [data-dialog="id"] opens one that is on the page already; [data-close] closes the one it stands in.
const shared = document.getElementById("dialog");

function name(dialog) {
  const heading = dialog.querySelector("h1, h2");
  if (!heading) return;
  heading.id ||= `${dialog.id}-title`;
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.removeAttribute("aria-label");
}

/** Show a dialog modally, with the focus on [autofocus], the first error or the first field. */
export function open(dialog) {
  name(dialog);
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("[aria-invalid=true], [autofocus], input:not([type=hidden]), select, textarea, button")?.focus();
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (!shared || event.detail.target !== shared) return;
  if (shared.textContent.trim()) open(shared);
  else shared.close();
});

document.addEventListener("click", (event) => {
  const closer = event.target.closest("[data-close]");
  const dialog = closer?.closest("dialog");
  if (dialog?.open) {
    event.preventDefault();
    dialog.close(closer.value || "");
  }
  const anchor = event.target.closest("[data-dialog]");
  const wanted = anchor && document.getElementById(anchor.dataset.dialog);
  if (wanted instanceof HTMLDialogElement) {
    event.preventDefault();
    open(wanted);
  }
});

// A press that begins and ends on the backdrop closes; a text selection that ends there does not.
let pressed = null;
document.addEventListener("pointerdown", (event) => { pressed = event.target; });
document.addEventListener("pointerup", (event) => {
  if (event.target === pressed && event.target instanceof HTMLDialogElement && event.target.open) {
    const box = event.target.getBoundingClientRect();
    const outside = event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
    if (outside) event.target.close();
  }
});

// The server closes with `HX-Trigger: {"close-dialog": true}`; what was loaded is dropped with the dialog.
document.addEventListener("close-dialog", () => { if (shared?.open) shared.close(); });
shared?.addEventListener("close", () => shared.replaceChildren());
