// Picking cards of a board for one of the actions on many leads: X, Shift X, or Ctrl and Shift with a click.
import { announce } from "./announce.js";
import { cardOf } from "./board-cards.js";
import { keep, kept } from "./kept.js";

const picked = new Set(kept("cards"));
let last = null;

const bar = () => document.getElementById("board-picked");

/** Bring the cards and the bar in line with what is picked; a card that is gone is picked no longer. */
function show(spoken) {
  const form = bar();
  if (!form) return;
  for (const lead of [...picked]) if (!cardOf(lead)) picked.delete(lead);
  for (const card of document.querySelectorAll("#board .card")) card.classList.toggle("is-picked", picked.has(card.dataset.lead));
  const words = form.querySelector("[data-count]");
  words.textContent = words.dataset.count.replace("{count}", picked.size);
  form.elements.ids.value = [...picked].join(",");
  form.hidden = picked.size === 0;
  keep({ cards: [...picked] });
  if (spoken) announce(words.textContent);
}

function between(from, to) {
  const all = [...to.parentElement.querySelectorAll(".card")];
  if (!from || !all.includes(from)) return [to];
  const [first, second] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  return all.slice(first, second + 1);
}

/** Pick a card, or let it go; with `range` all cards up to the one picked last. */
export function pick(card, range) {
  if (!card) return;
  if (range) for (const one of between(cardOf(last), card)) picked.add(one.dataset.lead);
  else if (!picked.delete(card.dataset.lead)) picked.add(card.dataset.lead);
  last = card.dataset.lead;
  show(true);
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-unpick]")) {
    picked.clear();
    show(true);
    return;
  }
  const card = event.target.closest?.("#board .card");
  if (!card || !(event.ctrlKey || event.metaKey || event.shiftKey) || event.target.closest("a, button")) return;
  event.preventDefault();
  pick(card, event.shiftKey);
});

document.addEventListener("htmx:afterSettle", () => show(false));
addEventListener("pageshow", () => show(false));
