// Makes the chat quicker. Everything works without it: the same pages, the same forms.

const SLOW = 15000;
const body = document.body;
/** @type {(id: string, from?: Document) => HTMLElement | null} */
const find = (id, from = document) => from.getElementById(id);
/** @type {() => HTMLInputElement | HTMLTextAreaElement | null} */
const findField = () => document.querySelector("#say");
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

/** @type {(text: string, typed?: string | null, focus?: boolean) => void} */
function take(text, typed = null, focus = false) {
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
  say("");
  prepare(typed);
  if (focus) (find("latest") ?? document.querySelector("h1"))?.focus();
}

async function look(typed = findField()?.value ?? "") {
  const held = document.activeElement?.id === "say";
  const answer = await fetch("/chat", { headers: { Accept: "text/html" } });
  const text = await answer.text();
  const same = text.includes(` data-revision="${body.dataset.revision}" `);
  if (sending || left || (same && find("log"))) return;
  take(text, typed);
  if (held) find("say")?.focus();
}

// --- sending: what was typed is kept until the server has it

/** @type {(form: HTMLFormElement, pressed: HTMLButtonElement | null) => Promise<void>} */
async function send(form, pressed) {
  if (sending || left) return;
  sending = true;
  clearTimeout(retry);
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) fields.append(name, String(value));
  if (pressed?.name) fields.set(pressed.name, pressed.value);
  /** @type {NodeListOf<HTMLButtonElement>} */
  const buttons = document.querySelectorAll("#answer button");
  for (const one of buttons) one.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: fields });
    if (left) return;
    const typed = fields.has("say") ? "" : (findField()?.value ?? "");
    take(await answer.text(), typed, true);
  } catch {
    say(find("line")?.dataset.down ?? "");
    for (const one of buttons) one.disabled = false;
    retry = setTimeout(() => send(form, pressed), 3000);
  } finally {
    sending = false;
  }
}

/** @param {string | null} typed */
function prepareField(typed) {
  const plain = findField();
  if (!(plain instanceof HTMLInputElement)) return;
  const field = document.createElement("textarea");
  for (const name of ["id", "name", "dir", "autocomplete", "enterkeyhint"]) {
    field.setAttribute(name, plain.getAttribute(name) ?? "");
  }
  field.rows = 1;
  field.value = typed ?? plain.value;
  const grow = () => { field.rows = Math.min(8, field.value.split("\n").length); };
  field.addEventListener("input", grow);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      field.form?.requestSubmit();
    }
  });
  plain.replaceWith(field);
  grow();
}

/** @type {(typed?: string | null) => void} */
function prepare(typed = null) {
  prepareField(typed);
  /** @type {NodeListOf<HTMLFormElement>} */
  const forms = document.querySelectorAll("#answer form, main form[action='/chat']");
  for (const form of forms) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form, /** @type {HTMLButtonElement | null} */ (event.submitter));
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
