// Makes the chat quicker. Everything works without it: the same pages, the same forms.

const SLOW = 15000;
const body = document.body;
const find = (id, from = document) => from.getElementById(id);
let sending = false;
let left = false;
let retry;
let lockTimer;
let lockAt = Infinity;

// --- the way out: Back does not come back

function leave(event) {
  event?.preventDefault();
  if (left) return;
  left = true;
  body.replaceChildren();
  document.title = "";
  fetch("/leave", { keepalive: true, redirect: "manual" }).catch(() => {});
  location.replace(body.dataset.exit);
}

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

function say(words) {
  const line = find("line");
  if (line && line.textContent !== words) line.textContent = words;
}

function takeLog(fresh) {
  const log = find("log");
  const wanted = [...find("log", fresh).children];
  const latest = find("latest", fresh)?.parentElement.id;
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
    inner.toggleAttribute("tabindex", item.id === latest);
    if (item.id === latest) inner.setAttribute("tabindex", "-1");
    inner.id = item.id === latest ? "latest" : "";
  }
}

function take(text, typed = null, focus = false) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  document.title = fresh.title;
  if (find("log") && find("log", fresh)) {
    takeLog(fresh);
    find("answer").replaceWith(document.adoptNode(find("answer", fresh)));
  } else {
    find("main").replaceWith(document.adoptNode(find("main", fresh)));
    focus = true;
  }
  body.dataset.revision = fresh.body.dataset.revision ?? "";
  body.dataset.lock = fresh.body.dataset.lock ?? "";
  say("");
  prepare(typed);
  if (focus) (find("latest") ?? document.querySelector("h1"))?.focus();
}

async function look(typed = find("say")?.value ?? "") {
  const held = document.activeElement?.id === "say";
  const answer = await fetch("/chat", { headers: { Accept: "text/html" } });
  const text = await answer.text();
  const same = text.includes(` data-revision="${body.dataset.revision}" `);
  if (sending || left || (same && find("log"))) return;
  take(text, typed);
  if (held) find("say")?.focus();
}

// --- sending: what was typed is kept until the server has it

async function send(form, pressed) {
  if (sending || left) return;
  sending = true;
  clearTimeout(retry);
  const fields = new URLSearchParams(new FormData(form));
  if (pressed?.name) fields.set(pressed.name, pressed.value);
  const buttons = [...document.querySelectorAll("#answer button")];
  for (const one of buttons) one.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: fields });
    if (left) return;
    const typed = fields.has("say") ? "" : (find("say")?.value ?? "");
    take(await answer.text(), typed, true);
  } catch {
    say(find("line")?.dataset.down ?? "");
    for (const one of buttons) one.disabled = false;
    retry = setTimeout(() => send(form, pressed), 3000);
  } finally {
    sending = false;
  }
}

function prepareField(typed) {
  const plain = find("say");
  if (!plain || plain.tagName === "TEXTAREA") return;
  const field = document.createElement("textarea");
  for (const name of ["id", "name", "dir", "autocomplete", "enterkeyhint"]) {
    field.setAttribute(name, plain.getAttribute(name));
  }
  field.rows = 1;
  field.value = typed ?? plain.value;
  const grow = () => { field.rows = Math.min(8, field.value.split("\n").length); };
  field.addEventListener("input", grow);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      field.form.requestSubmit();
    }
  });
  plain.replaceWith(field);
  grow();
}

function prepare(typed = null) {
  prepareField(typed);
  for (const form of document.querySelectorAll("#answer form, main form[action='/chat']")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form, event.submitter);
    });
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      say(find("line").dataset.copied);
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

function listen() {
  const source = new EventSource("/chat/live");
  let down = false;
  source.addEventListener("changed", (event) => {
    if (down) say(find("line")?.dataset.up ?? "");
    down = false;
    if (event.data !== body.dataset.revision) lookNow();
  });
  source.addEventListener("error", () => {
    down = true;
    if (source.readyState === EventSource.CLOSED) setInterval(lookNow, SLOW);
    else if (!left) say(find("line")?.dataset.down ?? "");
  });
}

prepare();
if (find("log")) {
  if (location.hash === "#latest") find("latest")?.focus();
  listen();
}
