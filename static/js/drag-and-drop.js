// Dragging with a mouse; never the only way. Items are [data-drag], places are [data-drop-url]. A drop is told to the
// item as the event "item-dropped" with the place; what it means is somebody else's business.
let dragged = null;
let over = null;

const placeAt = (event) => (dragged && event.target instanceof Element ? event.target.closest("[data-drop-url]") : null);

function mark(place) {
  if (over === place) return;
  over?.classList.remove("is-drop-target");
  over = place;
  over?.classList.add("is-drop-target");
}

// Only a mouse arms an item, and only beside its buttons: touch keeps scrolling, text in menus stays selectable.
document.addEventListener("pointerdown", (event) => {
  const item = event.pointerType === "mouse" && event.button === 0 && event.target.closest("[data-drag]");
  if (item) item.draggable = !event.target.closest("button, .button, .icon-button, .missing");
});

document.addEventListener("dragstart", (event) => {
  const item = event.target instanceof Element && event.target.closest("[data-drag]");
  if (!item) return;
  dragged = item;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", "");
  requestAnimationFrame(() => item.classList.add("is-dragged"));
});

document.addEventListener("dragover", (event) => {
  const place = placeAt(event);
  const elsewhere = place && !place.contains(dragged) ? place : null;
  mark(elsewhere);
  if (elsewhere) { event.preventDefault(); event.dataTransfer.dropEffect = "move"; }
});

document.addEventListener("drop", (event) => {
  const place = placeAt(event);
  if (!place || place.contains(dragged)) return;
  event.preventDefault();
  dragged.dispatchEvent(new CustomEvent("item-dropped", { bubbles: true, detail: { place } }));
});

document.addEventListener("dragend", () => {
  if (dragged) { dragged.classList.remove("is-dragged"); dragged.draggable = false; }
  dragged = null;
  mark(null);
});
