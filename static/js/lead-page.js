// The lead page. A call or mail link opens its program and makes the line ready in which it is recorded;
// Escape closes a form that was opened where its value stands, and gives the focus back.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-logs]");
  const kind = document.getElementById("log_kind");
  const text = document.getElementById("log_text");
  if (!link || !kind || !text) return;
  kind.value = link.dataset.logs;
  if (link.hash) event.preventDefault();
  text.scrollIntoView({ block: "nearest" });
  text.focus({ preventScroll: true });
});

document.addEventListener("keydown", (event) => {
  const opened = event.key === "Escape" && event.target.closest?.("details[data-in-place][open]");
  if (!opened) return;
  opened.querySelector("form")?.reset();
  opened.open = false;
  opened.querySelector("summary").focus();
});

// One form at a time; a press beside one that floats closes it.
document.addEventListener("click", (event) => {
  for (const opened of document.querySelectorAll(".fact-row details[data-in-place][open]")) if (!opened.contains(event.target)) opened.open = false;
});
document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("details[data-in-place][open]")) event.target.querySelector("input:not([type=hidden]), select, textarea")?.focus({ preventScroll: true });
}, true);

// "Add next step" on a card leads here with the form open.
if (location.hash === "#next-step") {
  const step = document.querySelector("#next-step details[data-in-place]");
  if (step) step.open = true;
}
