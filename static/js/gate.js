// After a refusal the focus stays in the password field, and what was typed above it is kept.
const refused = document.getElementById("login-error");
const password = document.querySelector("input[type=password]");
if (refused && password) {
  password.setAttribute("aria-describedby", refused.id);
  password.setAttribute("aria-invalid", "true");
  password.focus();
}
