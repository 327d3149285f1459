// Picking rows of a list: ranges with Shift, all on this page, and a bar that says how many. Without it, boxes and a button.
// Back brings a list as it was left: the rows that were loaded, the ones picked, the place one had scrolled to (C7).
import { keep, kept } from "./kept.js";

const form = () => document.getElementById("picked");
const boxes = () => [...(form()?.querySelectorAll("input[data-pick]") || [])];
const rows = () => form()?.querySelectorAll("tbody tr:not(#more)").length || 0;
const region = () => form()?.querySelector(".list-region");
let last = null;
let before = { picked: new Set(kept("picked")), all: kept("all"), rows: kept("rows") || 0, place: kept("place") };

function told(bar, count) {
  const words = bar.querySelector("[data-count]");
  words.textContent = words.dataset.count.replace("{count}", new Intl.NumberFormat(document.documentElement.lang).format(count));
}

/** Bring the bar, the marked rows and the box in the head in line with what is picked. */
function show() {
  if (before) return;
  const bar = form()?.querySelector(".pick-bar");
  keep({ rows: rows() });
  if (!bar) return;
  const all = boxes();
  const picked = all.filter((box) => box.checked);
  const everything = bar.querySelector("[name=all]")?.checked;
  for (const box of all) box.closest("tr").setAttribute("aria-selected", String(box.checked || Boolean(everything)));
  bar.classList.toggle("is-idle", !picked.length && !everything);
  told(bar, picked.length);
  keep({ picked: picked.map((box) => box.value), all: everything });
  const head = form().querySelector("[data-pick-all]");
  if (!head) return;
  head.closest("label").hidden = false;
  head.checked = all.length > 0 && picked.length === all.length;
  head.indeterminate = picked.length > 0 && !head.checked;
}

/** Load what had been loaded, page by page, then pick what was picked and go where one was. */
function bringBack() {
  const more = document.querySelector("#more .more-link");
  if (more && rows() < before.rows) return more.click();
  const { picked, all, place } = before;
  before = null;
  for (const box of boxes()) box.checked ||= picked.has(box.value);
  const everything = form()?.querySelector(".pick-bar [name=all]");
  if (everything) everything.checked ||= Boolean(all);
  show();
  if (!place) return;
  if (region()) region().scrollTop = place[1];
  scrollTo(scrollX, place[0]);
}

function settled() {
  if (before) bringBack();
  else show();
}

function doWithout() {
  if (!before) return;
  before.rows = 0;
  bringBack();
}

// Whoever leaves, leaves by a click or by a key that becomes one.
document.addEventListener("click", () => { if (!before) keep({ place: [scrollY, region()?.scrollTop || 0] }); }, true);

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

for (const trouble of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) document.addEventListener(trouble, doWithout);
document.addEventListener("htmx:afterSettle", settled);
addEventListener("pageshow", settled);
if (rows() >= before.rows) bringBack();
