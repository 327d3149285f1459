// A search whose answer replaces the search box itself: what is typed until the new box listens stays in it and is asked for.
let typed = null;
let asked = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const box = document.activeElement;
  const goes = box?.matches("input[type=search][id]") && event.detail.target.contains(box);
  typed = goes ? { id: box.id, value: box.value, start: box.selectionStart, end: box.selectionEnd } : null;
});

document.addEventListener("htmx:afterSwap", () => {
  const box = typed && document.getElementById(typed.id);
  if (!box || box.value === typed.value) return;
  box.value = typed.value;
  box.setSelectionRange(typed.start, typed.end);
});

document.addEventListener("htmx:afterSettle", (event) => {
  const box = typed && document.getElementById(typed.id);
  typed = null;
  if (!box) return;
  const answered = new URL(event.detail.xhr.responseURL).searchParams.get(box.name) ?? "";
  const again = box.value === asked; // once for each text, whatever the answer makes of it
  asked = box.value === answered ? null : box.value;
  if (asked === null || again) return;
  box.dispatchEvent(new Event("input", { bubbles: true }));
});
