// Makes the chat quicker. Everything works without it: the same pages, the same forms.

const SLOW = 15000;
const body = document.body;
/** @type {(id: string, from?: Document) => HTMLElement | null} */
const find = (id, from = document) => from.getElementById(id);
// One field for as long as the page is open, whichever form shows it: no answer empties it of
// words that were not sent. They are nowhere else: nothing stays on the device.
const field = document.createElement("textarea");
/** @type {{ to: string, fields: URLSearchParams } | undefined} */
let pending;
/** Words for which Enter was pressed while something else was pending. */
let queued = "";
let sending = false;
let left = false;
/** @type {number | undefined} */
let retry;
/** @type {number | undefined} */
let lockTimer;
let lockAt = Infinity;

// --- the way out: Back does not come back

/** @param {Event} [event] */
function leave(event) {
  event?.preventDefault();
  if (left) return;
  left = true;
  field.value = "";
  body.replaceChildren();
  document.title = "";
  fetch("/leave", { keepalive: true, redirect: "manual" }).catch(() => {});
  location.replace(body.dataset.exit ?? "about:blank");
}

/** @type {number[]} */
let shifts = [];
document.addEventListener("keydown", (event) => {
  if (event.key === "Shift" && !event.repeat) {
    shifts = [...shifts, event.timeStamp].slice(-3);
    if (shifts.length === 3 && shifts[2] - shifts[0] < 2000) leave();
  } else if (event.key !== "Shift") {
    shifts = [];
  }
});
find("leave")?.addEventListener("click", leave);
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// --- the page as the server has it, taken over piece by piece

/** @param {string} words */
function say(words) {
  const line = find("line");
  if (line && line.textContent !== words) line.textContent = words;
}

/** @type {(log: HTMLElement, freshLog: HTMLElement, latest?: string) => void} */
function takeLog(log, freshLog, latest) {
  const wanted = [...freshLog.children];
  const texts = new Map(wanted.map((item) => [item.id, item.textContent]));
  for (const item of [...log.children]) {
    if (texts.get(item.id) !== item.textContent) item.remove();
  }
  wanted.forEach((item, place) => {
    if (find(item.id) === log.children[place] && log.children[place]) return;
    find(item.id)?.remove();
    log.insertBefore(document.adoptNode(item), log.children[place] ?? null);
  });
  for (const item of log.children) {
    const inner = item.firstElementChild;
    if (!inner) continue;
    inner.toggleAttribute("tabindex", item.id === latest);
    if (item.id === latest) inner.setAttribute("tabindex", "-1");
    inner.id = item.id === latest ? "latest" : "";
  }
}

/** @type {(id: string, fresh: Document) => void} */
function takePart(id, fresh) {
  const [old, part] = [find(id), find(id, fresh)];
  if (!old || !part) throw new Error("The server sent another page than the chat.");
  old.replaceWith(document.adoptNode(part));
}

/** @type {(text: string, focus?: boolean, sent?: string | null) => void} */
function take(text, focus = false, sent = null) {
  const held = document.activeElement === field;
  const fresh = new DOMParser().parseFromString(text, "text/html");
  document.title = fresh.title;
  const [log, freshLog] = [find("log"), find("log", fresh)];
  if (log && freshLog) {
    takeLog(log, freshLog, find("latest", fresh)?.parentElement?.id);
    takePart("answer", fresh);
  } else {
    takePart("main", fresh);
    focus = true;
  }
  body.dataset.revision = fresh.body.dataset.revision ?? "";
  body.dataset.lock = fresh.body.dataset.lock ?? "";
  const arrived = field.value === sent && (find("log") || find("typed"));
  // A page that was left alone shows nothing after it either.
  if (arrived || document.querySelector("[name=go_on]")) field.value = "";
  say("");
  prepare();
  if (held && field.isConnected && (field.value || !focus)) field.focus();
  else if (focus) (find("latest") ?? document.querySelector("h1"))?.focus();
}

async function look() {
  const answer = await fetch("/chat", { headers: { Accept: "text/html" } });
  const text = await answer.text();
  const same = text.includes(` data-revision="${body.dataset.revision}" `);
  if (sending || left || (same && find("log"))) return;
  take(text);
}

// A link back to the chat would begin a new page, without what is typed on this one.
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element && event.target.closest("main a");
  if (!link || !field.value || !["/", "/chat"].includes(link.getAttribute("href") ?? "")) return;
  event.preventDefault();
  look().catch(() => say(find("line")?.dataset.down ?? ""));
});

// --- sending: what was typed is kept until the server has it

/** @type {(form: HTMLFormElement, pressed: HTMLButtonElement | null) => void} */
function submit(form, pressed) {
  if (pending) {
    if (form.contains(field) && field.value !== pending.fields.get("say")) queued = field.value;
  } else {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) fields.append(name, String(value));
    // As the field has them: older browsers end the lines of a form with two characters.
    if (form.contains(field)) fields.set("say", field.value);
    if (pressed?.name) fields.set(pressed.name, pressed.value);
    pending = { to: form.action, fields };
    for (const words of form.querySelectorAll("#typed")) words.setAttribute("readonly", "");
  }
  send();
}

async function send() {
  if (sending || left || !pending) return;
  sending = true;
  clearTimeout(retry);
  const { to, fields } = pending;
  /** @type {NodeListOf<HTMLButtonElement>} */
  const buttons = document.querySelectorAll("#answer button");
  for (const one of buttons) one.disabled = true;
  try {
    const answer = await fetch(to, { method: "POST", body: fields });
    const text = await answer.text();
    if (left) return;
    take(text, true, fields.get("say"));
    pending = undefined;
  } catch {
    say(find("line")?.dataset.down ?? "");
    for (const one of buttons) one.disabled = false;
    retry = setTimeout(send, 3000);
  } finally {
    sending = false;
  }
  if (pending || !queued || !field.isConnected) return;
  const unchanged = field.value === queued;
  queued = "";
  if (unchanged) field.form?.requestSubmit();
}

function growField() {
  field.rows = Math.min(8, field.value.split("\n").length);
}
field.addEventListener("input", growField);
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    field.form?.requestSubmit();
  }
});

function placeField() {
  const plain = find("say");
  if (!(plain instanceof HTMLInputElement)) return;
  for (const name of ["id", "name", "dir", "autocomplete", "enterkeyhint"]) {
    field.setAttribute(name, plain.getAttribute(name) ?? "");
  }
  field.value ||= plain.value;
  plain.replaceWith(field);
  growField();
}

function prepare() {
  placeField();
  /** @type {NodeListOf<HTMLFormElement>} */
  const forms = document.querySelectorAll("#answer form, main form[action='/chat']");
  for (const form of forms) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      submit(form, /** @type {HTMLButtonElement | null} */ (event.submitter));
    });
  }
  /** @type {NodeListOf<HTMLButtonElement>} */
  const copying = document.querySelectorAll("[data-copy]");
  for (const button of copying) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy ?? "");
      say(find("line")?.dataset.copied ?? "");
    });
  }
  lockLater();
}

// --- a page left alone shows nothing

function lock() {
  if (left || Date.now() < lockAt) return;
  body.replaceChildren();
  location.replace("/chat");
}

function lockLater() {
  clearTimeout(lockTimer);
  const seconds = Number(body.dataset.lock);
  lockAt = seconds && find("log") ? Date.now() + (seconds + 1) * 1000 : Infinity;
  if (lockAt < Infinity) lockTimer = setTimeout(lock, lockAt - Date.now());
}
document.addEventListener("visibilitychange", lock);

// --- hearing that something changed

function lookNow() {
  if (sending || left || !find("log")) return;
  look().catch(() => say(find("line")?.dataset.down ?? ""));
}

/** @type {EventSource | undefined} */
let source;

function listen() {
  const opened = (source = new EventSource("/chat/live"));
  let down = false;
  opened.addEventListener("changed", (event) => {
    if (down) say(find("line")?.dataset.up ?? "");
    down = false;
    if (event.data !== body.dataset.revision) lookNow();
  });
  // Another tab of this browser listens now: this one does again once it is looked at.
  opened.addEventListener("elsewhere", () => {
    opened.close();
    source = undefined;
  });
  opened.addEventListener("error", () => {
    down = true;
    if (opened.readyState === EventSource.CLOSED) setInterval(lookNow, SLOW);
    else if (!left) say(find("line")?.dataset.down ?? "");
  });
}

function listenAgain() {
  if (!document.hidden && !source && !left && find("log")) listen();
}
document.addEventListener("visibilitychange", listenAgain);
addEventListener("focus", listenAgain);

prepare();
if (find("log")) {
  if (location.hash === "#latest") find("latest")?.focus();
  listen();
}
