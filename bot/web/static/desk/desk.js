// The keys of the desk, and what is new while a page is open. Everything works without it.
const words = document.querySelector("[data-live-words]")?.dataset ?? {};
const rows = () => [...document.querySelectorAll("[data-queue] tbody tr")];
let at = -1;

function move(by) {
  const all = rows();
  if (!all.length) return;
  at = Math.min(Math.max(at + by, 0), all.length - 1);
  all.forEach((row, n) => row.classList.toggle("rj-at", n === at));
  all[at].querySelector("a")?.focus();
}

const here = () => (rows().length ? rows()[at] : document);

function goTo(id) {
  const found = document.getElementById(id);
  const link = rows()[at]?.querySelector("a");
  if (!found && link) location.href = `${link.href}#${id}`;
  if (!found) return;
  if (found instanceof HTMLDetailsElement) found.open = true;
  found.scrollIntoView();
  (found.querySelector("input:not([type=hidden]), select, textarea") ??
    found.parentElement.querySelector("input:not([type=hidden])"))?.focus();
}

function press(what, elsewhere) {
  const found = document.querySelector(what);
  if (found) found.click();
  else location.href = elsewhere;
}

function search() {
  const field = document.getElementById("q");
  if (field) field.focus();
  else location.href = "/desk/queue";
}

const keys = {
  n: () => press("[data-key=n]", "/desk/queue"),
  j: () => move(1),
  k: () => move(-1),
  o: () => rows()[at]?.querySelector("a")?.click(),
  c: () => here()?.querySelector("[data-key=c]")?.click(),
  s: () => goTo("put-off"),
  e: () => goTo("happened"),
  "/": () => search(),
  "?": () => document.getElementById("keys")?.showModal(),
};

function isTyping(target) {
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
const known = { new: null };

function badge(count) {
  for (const place of document.querySelectorAll("[data-live-count]")) {
    place.textContent = count;
    place.hidden = count === 0;
  }
}

function news(count) {
  const place = document.querySelector("[data-live-news]");
  if (!place) return;
  if (count < 1) return place.replaceChildren();
  const link = document.createElement("a");
  link.className = "govuk-link";
  link.href = document.querySelector("[data-queue]") ? location.href : "/desk/queue";
  link.textContent = words.show;
  const said = count === 1 ? words.one : words.more.replace("#", count);
  place.replaceChildren(`${said} `, link);
}

function taken(all) {
  const owners = new Map(all.map(([reference, owner]) => [reference, owner]));
  for (const row of document.querySelectorAll("[data-reference][data-owner='']")) {
    const owner = owners.get(row.dataset.reference);
    if (!owner) continue;
    row.dataset.owner = owner;
    row.classList.add("rj-taken");
    row.querySelector("[data-taken]")?.replaceChildren(words.taken.replace("#", owner));
  }
}

function changed(told) {
  if (told.out) return location.reload();
  badge(told.new.length);
  known.new ??= new Set(told.new);
  news(told.new.filter((one) => !known.new.has(one)).length);
  taken(told.taken);
}

if (document.querySelector("[data-live-count]") && "EventSource" in window) {
  const open = document.querySelector("[data-referral]")?.dataset.referral ?? "";
  const stream = new EventSource(`/desk/live?at=${encodeURIComponent(open)}`);
  stream.addEventListener("changed", (event) => changed(JSON.parse(event.data)));
  addEventListener("pagehide", () => stream.close());
}
