// Picking rows of a list: ranges with Shift, all on this page, and a bar that says how many. Without it, boxes and a button.
const form = () => document.getElementById("picked");
const boxes = () => [...(form()?.querySelectorAll("input[data-pick]") || [])];
let last = null;

function told(bar, count) {
  const words = bar.querySelector("[data-count]");
  words.textContent = words.dataset.count.replace("{count}", new Intl.NumberFormat(document.documentElement.lang).format(count));
}

/** Bring the bar, the marked rows and the box in the head in line with what is picked. */
function show() {
  const bar = form()?.querySelector(".pick-bar");
  if (!bar) return;
  const all = boxes();
  const picked = all.filter((box) => box.checked);
  const everything = bar.querySelector("[name=all]")?.checked;
  for (const box of all) box.closest("tr").setAttribute("aria-selected", String(box.checked || Boolean(everything)));
  bar.classList.toggle("is-idle", !picked.length && !everything);
  told(bar, picked.length);
  const head = form().querySelector("[data-pick-all]");
  if (!head) return;
  head.closest("label").hidden = false;
  head.checked = all.length > 0 && picked.length === all.length;
  head.indeterminate = picked.length > 0 && !head.checked;
}

document.addEventListener("click", (event) => {
  const box = event.target.closest?.("input[data-pick]");
  if (!box) return;
  const all = boxes();
  if (event.shiftKey && last && all.includes(last)) {
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
    for (const between of all.slice(from, to + 1)) between.checked = box.checked;
  }
  last = box;
  show();
});

document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-pick-all]")) for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.closest?.("#picked")) show();
});

// Thousands of boxes would be thousands of fields: they travel as one.
document.addEventListener("submit", (event) => {
  if (event.target !== form()) return;
  const picked = boxes().filter((box) => box.checked).map((box) => box.value);
  const packed = form().querySelector("[data-packed]");
  packed.disabled = false;
  packed.value = picked.join(",");
  for (const box of boxes()) box.disabled = true;
  setTimeout(() => { for (const box of boxes()) box.disabled = false; packed.disabled = true; });
});

document.addEventListener("htmx:afterSettle", show);
addEventListener("pageshow", show);
show();
