// What others do arrives by itself: a changed card says so and stays where it is, new ones wait behind a chip, and a
// new score takes the place of the old one.
import { cardOf, words } from "./board-cards.js";

const EVERY = 5000;
const MOST_SHOWN = 150; // of more cards another part is asked about each time
const seen = new WeakMap(); // the board as drawn → the leads that came since
let asking = false;
let turn = 0;

function tell(card, change) {
  card.classList.add("is-moved");
  let note = card.querySelector(".card-note[data-news]");
  if (!note) {
    note = document.createElement("p");
    note.className = "card-note";
    note.dataset.news = "";
    card.querySelector(".card-foot").before(note);
  }
  const bold = document.createElement("b");
  bold.textContent = `${change.words}.`;
  note.replaceChildren(bold, ` ${words().stays}`);
}

function shown() {
  const cards = [...document.querySelectorAll("#board .card")];
  const parts = Math.ceil(cards.length / MOST_SHOWN) || 1;
  const from = (turn++ % parts) * MOST_SHOWN;
  return cards.slice(from, from + MOST_SHOWN).map((card) => `${card.dataset.lead}_${card.dataset.scored}`).join(".");
}

/** Whether new content would pull something away from under somebody's hands. */
const inUse = (card) => card.contains(document.activeElement) || card.querySelector("[aria-expanded=true]") || card.getAttribute("aria-busy") === "true";

/** Put a new score where the old one stands. The reasons follow where they take as many lines: nothing jumps. */
function rescore(card, news) {
  const fresh = document.createElement("template");
  fresh.innerHTML = news.html;
  for (const piece of [".grade", ".card-score", ".spark", ".reasons"]) {
    const [old, young] = [card.querySelector(piece), fresh.content.querySelector(piece)];
    if (!old || !young || (piece === ".reasons" && old.children.length !== young.children.length)) continue;
    old.replaceWith(young);
    htmx.process(young);
  }
  card.dataset.scored = news.scored;
}

function show(page) {
  const count = seen.get(page).size;
  const chip = document.getElementById("news");
  chip.hidden = count === 0;
  chip.textContent = count === 1 ? words().freshOne : words().freshMany.replace("{count}", String(count));
}

function read(page, news) {
  page.dataset.since = news.since;
  if (!seen.has(page)) seen.set(page, new Set());
  for (const change of news.changes) {
    const card = cardOf(change.lead);
    if (card && Number(card.dataset.version) < change.version && card.getAttribute("aria-busy") !== "true") tell(card, change);
  }
  for (const score of news.scores) {
    const card = cardOf(score.lead);
    if (card && !inUse(card)) rescore(card, score);
  }
  for (const lead of news.fresh) if (!cardOf(lead)) seen.get(page).add(lead);
  show(page);
}

async function ask() {
  const page = document.getElementById("board-page");
  if (!page || asking || document.hidden || !navigator.onLine) return;
  asking = true;
  try {
    const url = new URL(page.dataset.news, location.href);
    url.searchParams.set("since", page.dataset.since);
    url.searchParams.set("shown", shown());
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (answer.ok && !answer.redirected && page.isConnected) read(page, await answer.json());
  } catch { /* the network is gone; the next turn asks again */ } finally { asking = false; }
}

setInterval(ask, EVERY);
document.addEventListener("visibilitychange", ask);
