// The keys of the desk, and what is new while a page is open. Everything works without it.
/** @type {(what: string, from?: ParentNode) => HTMLElement | null} */
const find = (what, from = document) => from.querySelector(what);
/** @type {(what: string) => NodeListOf<HTMLElement>} */
const findAll = (what) => document.querySelectorAll(what);
const words = find("[data-live-words]")?.dataset ?? {};
/** @type {(words: string | undefined, value: string | number) => string} */
const fill = (words, value) => words?.replace("#", String(value)) ?? "";
const rows = () => [...findAll("[data-queue] tbody tr")];
let at = -1;

/** @param {number} by */
function move(by) {
  const all = rows();
  if (!all.length) return;
  at = Math.min(Math.max(at + by, 0), all.length - 1);
  all.forEach((row, n) => row.classList.toggle("rj-at", n === at));
  all[at].querySelector("a")?.focus();
}

const here = () => (rows().length ? rows()[at] : document);

/** @param {string} id */
function goTo(id) {
  const found = document.getElementById(id);
  const link = rows()[at]?.querySelector("a");
  if (!found && link) location.href = `${link.href}#${id}`;
  if (!found) return;
  if (found instanceof HTMLDetailsElement) found.open = true;
  found.scrollIntoView();
  (find("input:not([type=hidden]), select, textarea", found) ??
    find("input:not([type=hidden])", found.parentElement ?? found))?.focus();
}

/** @type {(what: string, elsewhere: string) => void} */
function press(what, elsewhere) {
  const found = find(what);
  if (found) found.click();
  else location.href = elsewhere;
}

function search() {
  const field = document.getElementById("q");
  if (field) field.focus();
  else location.href = "/desk/queue";
}

function showKeys() {
  const dialog = document.getElementById("keys");
  if (dialog instanceof HTMLDialogElement) dialog.showModal();
}

/** @type {Record<string, () => void>} */
const keys = {
  n: () => press("[data-key=n]", "/desk/queue"),
  j: () => move(1),
  k: () => move(-1),
  o: () => rows()[at]?.querySelector("a")?.click(),
  c: () => {
    const place = here();
    if (place) find("[data-key=c]", place)?.click();
  },
  s: () => goTo("put-off"),
  e: () => goTo("happened"),
  "/": () => search(),
  "?": showKeys,
};

/** @param {EventTarget | null} target */
function isTyping(target) {
  if (!(target instanceof Element)) return false;
  if (target.closest("textarea, select, [contenteditable]")) return true;
  return target instanceof HTMLInputElement && !["radio", "checkbox", "submit"].includes(target.type);
}

if (document.body.dataset.shortcuts === "on") {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

// What is new. Nothing on the page moves by itself: a line says so, and rows say who has them.
/** @typedef {{out?: boolean, new: string[], taken: [string, string][]}} News */
/** @type {Set<string> | undefined} */
let known;

/** @param {number} count */
function badge(count) {
  for (const place of findAll("[data-live-count]")) {
    place.textContent = String(count);
    place.hidden = count === 0;
  }
}

/** @param {number} count */
function news(count) {
  const place = find("[data-live-news]");
  if (!place) return;
  if (count < 1) return place.replaceChildren();
  const link = document.createElement("a");
  link.className = "govuk-link";
  link.href = find("[data-queue]") ? location.href : "/desk/queue";
  link.textContent = words.show ?? "";
  const said = count === 1 ? words.one : fill(words.more, count);
  place.replaceChildren(`${said} `, link);
}

/** @param {[string, string][]} all */
function taken(all) {
  const owners = new Map(all);
  for (const row of findAll("[data-reference][data-owner='']")) {
    const owner = owners.get(row.dataset.reference ?? "");
    if (!owner) continue;
    row.dataset.owner = owner;
    row.classList.add("rj-taken");
    row.querySelector("[data-taken]")?.replaceChildren(fill(words.taken, owner));
  }
}

/** @param {News} told */
function changed(told) {
  if (told.out) return location.reload();
  badge(told.new.length);
  const seen = known ??= new Set(told.new);
  news(told.new.filter((one) => !seen.has(one)).length);
  taken(told.taken);
}

/** @type {EventSource | undefined} */
let stream;

function listen() {
  const open = find("[data-referral]")?.dataset.referral ?? "";
  const opened = (stream = new EventSource(`/desk/live?at=${encodeURIComponent(open)}`));
  opened.addEventListener("changed", (event) => changed(JSON.parse(event.data)));
  // Another tab of this browser listens now: this one does again once it is looked at.
  opened.addEventListener("elsewhere", () => {
    opened.close();
    stream = undefined;
  });
}

if (find("[data-live-count]") && "EventSource" in globalThis) {
  listen();
  const listenAgain = () => {
    if (!document.hidden && !stream) listen();
  };
  document.addEventListener("visibilitychange", listenAgain);
  addEventListener("focus", listenAgain);
  addEventListener("pagehide", () => stream?.close());
}
