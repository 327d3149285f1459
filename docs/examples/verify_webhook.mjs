// Whether a webhook comes from Baton and is whole (Standard Webhooks). Node's standard library only.
// verify(secret, headers, body) returns what was told, or throws. `body` is the Buffer as it came in.
import { createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE_SECONDS = 5 * 60;

export function verify(secret, headers, body, now = Date.now() / 1000) {
  const known = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const key = known["webhook-id"] ?? "";
  const sentAt = known["webhook-timestamp"] ?? "";
  if (!key || !/^[0-9]+$/.test(sentAt)) throw new Error("headers are missing");
  if (Math.abs(now - Number(sentAt)) > TOLERANCE_SECONDS) throw new Error("too old, or from the future");
  const madeWith = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const made = createHmac("sha256", madeWith).update(`${key}.${sentAt}.`).update(body).digest("base64");
  const wanted = Buffer.from(`v1,${made}`);
  const fits = (known["webhook-signature"] ?? "").split(" ").some((one) => {
    const told = Buffer.from(one);
    return told.length === wanted.length && timingSafeEqual(told, wanted);
  });
  if (!fits) throw new Error("no signature fits");
  return JSON.parse(body);
}
