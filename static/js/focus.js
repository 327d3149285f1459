// After a swap the focus goes where the new content asks for it: [data-focus], else the heading of a new page.
document.addEventListener("htmx:afterSettle", (event) => {
  const target = event.detail.target;
  if (!(target instanceof Element) || target.closest("dialog, [popover]")) return;
  const wanted = target.matches("[data-focus]") ? target : target.querySelector("[data-focus]");
  const heading = target.id === "main" || target === document.body ? target.querySelector("[data-page-heading]") : null;
  const place = wanted || heading;
  if (!place) return;
  if (!place.matches("a[href], button, input, select, textarea, [tabindex]")) place.tabIndex = -1;
  place.focus({ preventScroll: Boolean(wanted) });
});

// A full page that comes back with errors starts at their summary.
document.querySelector("[data-error-summary]")?.focus();
