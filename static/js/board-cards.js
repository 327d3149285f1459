// The cards of a board as they stand in the page.

/** The sentences the page brings along, in the reader's language. */
export const words = () => document.getElementById("words").dataset;

export const columns = () => [...document.querySelectorAll("#board [data-column]")];

export const cardOf = (lead) => (lead ? document.querySelector(`#board .card[data-lead="${CSS.escape(String(lead))}"]`) : null);

export const stackOf = (lane) => document.querySelector(`#board [data-column="${CSS.escape(lane)}"] [data-stack]`);

function goesBefore(card, other, [name, direction]) {
  const sign = direction === "falling" ? 1 : -1;
  const by = Number(card.dataset[name]) - Number(other.dataset[name]) || Number(card.dataset.lead) - Number(other.dataset.lead);
  return sign * by > 0;
}

/** Put a card into a stack at its place by the stack's order. */
export function insert(stack, card) {
  const order = stack.dataset.order.split("-");
  const next = [...stack.children].find((other) => other !== card && other.matches(".card:not(.is-moved)") && goesBefore(card, other, order));
  stack.insertBefore(card, next || null);
}

// What "N more" brings may stand here already, because somebody moved it here: the newer one stays.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  if (!event.detail.target.matches?.("[data-stack]")) return;
  for (const card of [...event.detail.fragment.querySelectorAll(".card")]) if (cardOf(card.dataset.lead)) card.remove();
});
