// Baton's tracking script for other sites. Before baton.consent(true) it stores nothing, sends nothing and remembers
// nothing; a browser that sends Global Privacy Control keeps it silent. No cookie, ever.
// <script src="https://crm.example.com/t.js" data-write-key="wk_…" defer></script>
(() => {
  "use strict"
  const script = document.currentScript
  const endpoint = new URL("/v1/batch", script.src).href
  const STORE = "baton"
  const MOST = 40
  const TRIES = 5
  let allowed = false
  let person = {}
  let queue = []
  let timer = 0
  let tries = 0

  const id = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16))
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  }

  const remember = () => {
    try { localStorage.setItem(STORE, JSON.stringify(person)) } catch { /* then for this page only */ }
  }

  const recall = () => {
    try { person = JSON.parse(localStorage.getItem(STORE)) || {} } catch { person = {} }
    if (!person.anonymousId) person.anonymousId = id()
    remember()
  }

  const forget = () => {
    person = {}
    queue = []
    clearTimeout(timer)
    try { localStorage.removeItem(STORE) } catch { /* nothing was stored then */ }
  }

  const consent = (given) => {
    if (!given) {
      allowed = false
      forget()
    } else if (!allowed && !navigator.globalPrivacyControl) {
      allowed = true
      recall()
      if (script.dataset.page !== "off") page()
    }
    return allowed
  }

  const context = () => ({
    page: { url: location.href, path: location.pathname, title: document.title, referrer: document.referrer },
    locale: navigator.language,
    library: { name: "baton", version: "1" },
  })

  const add = (type, more) => {
    if (!allowed) return
    queue.push({ type, messageId: id(), timestamp: new Date().toISOString(), context: context(), ...person, ...more })
    clearTimeout(timer)
    timer = setTimeout(flush, queue.length < MOST ? 300 : 0)
  }

  const again = (batch, seconds) => {
    if (!allowed || ++tries > TRIES) return
    queue = batch.concat(queue)
    clearTimeout(timer)
    timer = setTimeout(flush, 1000 * (seconds || 2 ** tries))
  }

  async function flush() {
    if (!allowed || !queue.length) return
    const batch = queue.splice(0, MOST)
    const body = JSON.stringify({ writeKey: script.dataset.writeKey, batch, sentAt: new Date().toISOString() })
    try {
      const answer = await fetch(endpoint, {
        method: "POST", body, keepalive: body.length < 60000, credentials: "omit", referrerPolicy: "no-referrer",
        headers: { "Content-Type": "text/plain" },
      })
      if (answer.status === 429 || answer.status > 499) return again(batch, Number(answer.headers.get("Retry-After")))
      tries = 0
    } catch {
      return again(batch)
    }
    flush()
  }

  const page = (name, properties) => add("page", { name, properties })
  const track = (event, properties) => add("track", { event, properties })
  const group = (groupId, traits) => add("group", { groupId, traits })
  const identify = (userId, traits) => {
    if (!allowed) return
    if (userId) person.userId = String(userId)
    remember()
    add("identify", { traits })
  }
  const reset = () => {
    forget()
    if (allowed) recall()
  }

  addEventListener("pagehide", flush)
  window.baton = { consent, page, track, identify, group, reset, flush }
})()
