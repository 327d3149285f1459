// Buttons beside number fields: one step down, one step up. The field alone works as well.
function button(input, direction) {
  const step = document.createElement("button");
  step.type = "button";
  step.className = "step";
  step.tabIndex = -1; // the arrow keys do the same inside the field
  step.setAttribute("aria-hidden", "true");
  step.textContent = direction > 0 ? "+" : "−";
  step.addEventListener("click", () => {
    if (direction > 0) input.stepUp();
    else input.stepDown();
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  return step;
}

function equip(root) {
  for (const input of root.querySelectorAll("input[data-steps]:not([data-steps='on'])")) {
    const frame = document.createElement("span");
    frame.className = "steps-frame";
    input.dataset.steps = "on";
    input.replaceWith(frame);
    frame.append(button(input, -1), input, button(input, 1));
  }
}

equip(document);
document.addEventListener("htmx:load", (event) => equip(event.target));
