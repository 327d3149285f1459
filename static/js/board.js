// A board: drag, keys and menu all end in the same request, and its answer is put where it belongs.
import { announce } from "./announce.js";
import { register } from "./shortcuts.js";
import "./drag-and-drop.js";
import "./board-news.js";
import { pick } from "./board-pick.js";
import { cardOf, columns, insert, stackOf, words } from "./board-cards.js";

const home = new WeakMap(); // card → the comment that keeps its place while a move is on its way
let last = null; // the card that had the focus last

// --- Moving -------------------------------------------------------------------------------------

function goHome(card) {
  const mark = home.get(card);
  if (mark?.isConnected) mark.replaceWith(card);
  home.delete(card);
}

/** Ask the server to move a card into a column. Where nothing has to be asked first, the card is there at once. */
function send(card, column) {
  if (card.getAttribute("aria-busy") === "true") return;
  card.classList.add("is-moving");
  card.setAttribute("aria-busy", "true");
  const stack = column.querySelector("[data-stack]");
  if (stack && !("asks" in column.dataset)) {
    const mark = document.createComment("home");
    card.before(mark);
    home.set(card, mark);
    insert(stack, card);
  }
  const values = { lead: card.dataset.lead, version: card.dataset.version };
  htmx.ajax("POST", column.dataset.dropUrl, { source: card, values, swap: "none" });
}

document.addEventListener("item-dropped", (event) => send(event.target, event.detail.place));

document.addEventListener("htmx:afterRequest", (event) => {
  const card = event.detail.elt.closest?.(".card") || cardOf(event.detail.elt.dataset?.lead);
  if (!card) return;
  card.classList.remove("is-moving");
  card.removeAttribute("aria-busy");
  const asked = event.detail.xhr?.getResponseHeader("HX-Retarget") === "#dialog";
  if (asked || !event.detail.xhr?.getResponseHeader("HX-Trigger-After-Settle")) goHome(card);
  if (asked) card.querySelector(".card-name a").focus({ preventScroll: true });
});

document.addEventListener("htmx:beforeRequest", (event) => {
  const card = event.detail.elt.closest?.(".card");
  if (card && event.detail.requestConfig.verb === "post") card.classList.add("is-moving");
});

// --- The answer ---------------------------------------------------------------------------------

function neighbour(card) {
  const mark = home.get(card) || card;
  let next = mark.nextSibling;
  while (next && !next.matches?.(".card")) next = next.nextSibling;
  let before = mark.previousSibling;
  while (before && !before.matches?.(".card")) before = before.previousSibling;
  return next || before;
}

/** Put the card that came in where it stands now; the one that stood there goes. */
function settle({ lead, lane, refused }) {
  const incoming = document.querySelector("#incoming > .card");
  if (incoming?.dataset.lead !== String(lead)) return;
  const old = cardOf(lead);
  const next = old && neighbour(old);
  const focused = !old || old.contains(document.activeElement) || document.activeElement === document.body;
  if (old) goHome(old);
  const stack = lane && stackOf(lane);
  const stays = old && (!lane || stackOf(lane) === old.parentElement);
  if (stays) old.before(incoming);
  else if (stack) insert(stack, incoming);
  else incoming.remove();
  old?.remove();
  if (incoming.isConnected) incoming.classList.add(refused ? "is-refused" : "is-new");
  if (!focused) return;
  const wanted = refused || stays || !next?.isConnected ? incoming : next;
  (wanted.isConnected ? wanted : columns().flatMap((column) => [...column.querySelectorAll(".card")])[0])
    ?.querySelector(".card-name a").focus({ preventScroll: !wanted.isConnected });
}

document.addEventListener("card-settled", (event) => settle(event.detail));

// --- Keys ---------------------------------------------------------------------------------------

const focusedCard = () => document.activeElement?.closest?.("#board .card") || null;

document.addEventListener("focusin", () => { last = focusedCard()?.dataset.lead || last; });

const current = () => focusedCard() || cardOf(last);

function focus(card) {
  if (!card) return;
  card.querySelector(".card-name a").focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
}

const firstCard = () => document.querySelector("#board .column.is-shown .card") || document.querySelector("#board .card");

function step(by) {
  const card = current();
  if (!card) return focus(firstCard());
  const all = [...card.parentElement.querySelectorAll(".card")];
  return focus(all[all.indexOf(card) + by] || card);
}

function cross(by) {
  const card = current();
  if (!card) return focus(firstCard());
  const height = card.getBoundingClientRect().top;
  const all = columns();
  for (let at = all.indexOf(card.closest("[data-column]")) + by; all[at]; at += by) {
    const near = [...all[at].querySelectorAll(".card")].sort((a, b) => Math.abs(a.getBoundingClientRect().top - height) - Math.abs(b.getBoundingClientRect().top - height))[0];
    if (near) return focus(near);
  }
  return undefined;
}

function shift(by) {
  const card = current();
  if (!card) return announce(words().noCard);
  const all = columns();
  const column = all[all.indexOf(card.closest("[data-column]")) + by];
  return column ? send(card, column) : announce(words().noColumn);
}

const onCard = (action) => () => (focusedCard() ? action() : false);

register("j", () => step(1));
register("k", () => step(-1));
register("l", () => cross(1));
register("h", () => cross(-1));
register("ArrowDown", onCard(() => step(1)));
register("ArrowUp", onCard(() => step(-1)));
register("ArrowRight", onCard(() => cross(1)));
register("ArrowLeft", onCard(() => cross(-1)));
register("]", () => shift(1));
register("[", () => shift(-1));
register("x", () => pick(current() || firstCard(), false));
register("X", () => pick(current() || firstCard(), true));
register("m", () => current()?.querySelector(".move").click());

// --- One column at a time, on a phone -----------------------------------------------------------

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-switch]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (!stackOf(link.dataset.switch)) return; // a folded column has no cards here yet: the link fetches them
  event.preventDefault();
  for (const other of document.querySelectorAll("[data-switch]")) {
    if (other === link) other.setAttribute("aria-current", "true");
    else other.removeAttribute("aria-current");
  }
  for (const column of columns()) column.classList.toggle("is-shown", column.dataset.column === link.dataset.switch);
  history.replaceState(history.state, "", link.href);
});
