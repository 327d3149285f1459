// The passkey button is offered only where the browser knows passkeys.
if (window.PublicKeyCredential) for (const part of document.querySelectorAll("[data-passkey]")) part.hidden = false;
