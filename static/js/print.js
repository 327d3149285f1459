// On paper the figures behind a chart are always shown.
const closed = [];
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details.figure-data:not([open])")) { details.open = true; closed.push(details); }
});
addEventListener("afterprint", () => { for (const details of closed.splice(0)) details.open = false; });
