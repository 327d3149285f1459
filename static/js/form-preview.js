// While somebody types in the form builder the preview beside it follows, through the same button as without a script.
const buttons = [...document.querySelectorAll("[data-preview]")];
let chosen = buttons[0];
let soon = 0;

for (const button of buttons) button.addEventListener("click", () => { chosen = button; });
chosen?.form.addEventListener("input", () => {
  clearTimeout(soon);
  soon = setTimeout(() => chosen.form.requestSubmit(chosen), 400);
});
