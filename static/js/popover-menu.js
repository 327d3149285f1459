// Menus and sheets in popovers. An opener is [data-menu="id"], or a link that htmx answers into #menu or #popover.
// Without JavaScript the link leads to a page that offers the same.
let opener = null;

const ITEMS = "[role=menuitem], [role=menuitemcheckbox], [role=menuitemradio], .menu-item";
const items = (popover) => [...popover.querySelectorAll(ITEMS)];

function place(popover, anchor) {
  if (matchMedia("(width < 40rem)").matches) return;
  const edge = 8;
  const from = anchor.getBoundingClientRect();
  const size = popover.getBoundingClientRect();
  const below = from.bottom + 4;
  const top = below + size.height + edge > innerHeight && from.top - size.height - 4 > edge ? from.top - size.height - 4 : below;
  const left = from.left + size.width + edge > innerWidth ? from.right - size.width : from.left;
  popover.style.top = `${Math.max(edge, Math.min(top, innerHeight - size.height - edge))}px`;
  popover.style.left = `${Math.max(edge, Math.min(left, innerWidth - size.width - edge))}px`;
}

/** Call a sheet by the heading of what it holds now. */
function name(popover) {
  const heading = popover.matches("[role=dialog]") && popover.querySelector("h1, h2, h3, h4");
  if (!heading) return popover.removeAttribute("aria-labelledby");
  heading.id ||= `${popover.id}-title`;
  popover.setAttribute("aria-labelledby", heading.id);
}

/** Open a popover beside its opener and give it the focus. */
export function open(popover, anchor) {
  if (opener && opener !== anchor) opener.setAttribute("aria-expanded", "false");
  opener = anchor;
  if (!popover.matches(":popover-open")) popover.showPopover();
  popover.scrollTop = 0;
  name(popover);
  place(popover, anchor);
  anchor.setAttribute("aria-expanded", "true");
  const first = items(popover)[0] || popover.querySelector("[autofocus], a[href], button, input, summary");
  if (first) first.focus({ preventScroll: true });
  else { popover.tabIndex = -1; popover.focus({ preventScroll: true }); }
}

function closed(popover) {
  if (!opener) return;
  opener.setAttribute("aria-expanded", "false");
  const lost = document.activeElement === document.body || popover.contains(document.activeElement);
  if (lost && opener.isConnected) opener.focus({ preventScroll: true });
  opener = null;
}

document.addEventListener("click", (event) => {
  const anchor = event.target.closest("[data-menu]");
  const popover = anchor && document.getElementById(anchor.dataset.menu);
  if (popover && popover.hasAttribute("popover")) {
    event.preventDefault();
    if (popover.matches(":popover-open")) popover.hidePopover();
    else open(popover, anchor);
  }
});

document.addEventListener("htmx:afterSwap", (event) => {
  const target = event.detail.target;
  if (target.id !== "menu" && target.id !== "popover") return;
  if (!target.textContent.trim()) target.hidePopover();
  else open(target, event.detail.requestConfig.elt);
});

document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("[popover]") && event.newState === "closed") closed(event.target);
}, true);

document.addEventListener("keydown", (event) => {
  const popover = event.target.closest?.(".menu");
  if (!popover) return;
  const all = items(popover);
  const at = all.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? -1 : at - 1, Home: 0, End: -1 }[event.key];
  if (to !== undefined && all.length) {
    event.preventDefault();
    all.at(to % all.length).focus();
  } else if (event.key === "Tab" && popover.matches(":popover-open")) {
    popover.hidePopover();
  } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const found = [...all.slice(at + 1), ...all].find((item) => item.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()));
    if (found) { event.preventDefault(); found.focus(); }
  }
});

// A closed choice keeps its reason readable but does nothing; a taken choice closes the menu.
document.addEventListener("click", (event) => {
  const item = event.target.closest(".menu-item");
  if (!item) return;
  if (item.getAttribute("aria-disabled") === "true") { event.preventDefault(); event.stopPropagation(); return; }
  item.closest("[popover]:popover-open")?.hidePopover();
}, true);

// The account menu is a <details>, so that it opens without JavaScript; here it learns to close.
document.addEventListener("click", (event) => {
  for (const details of document.querySelectorAll("details.account[open]")) if (!details.contains(event.target)) details.open = false;
});
document.addEventListener("keydown", (event) => {
  const details = event.key === "Escape" && event.target.closest?.("details.account[open]");
  if (details) { details.open = false; details.querySelector("summary").focus(); }
});
