// One polite live region for the whole page. The server speaks with `HX-Trigger: {"announce": "…"}`.
const region = document.getElementById("announcements");
let pending = 0;

/** Say a sentence to screen readers without moving the focus; the same sentence twice is said twice. */
export function announce(sentence) {
  if (!region || !sentence) return;
  region.textContent = "";
  clearTimeout(pending);
  pending = setTimeout(() => { region.textContent = sentence; }, 60);
}

document.addEventListener("announce", (event) => announce(event.detail.value ?? event.detail));
