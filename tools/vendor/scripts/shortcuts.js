// Keys for what a link or a field does: [data-go="l"] is followed after g and l, and rows are those of table.rows.
// They act on nothing while somebody types, and with no modifier; whoever has turned them off has no [data-shortcuts].

// Milliseconds within which the second key follows g.
const SOON = 1500;
const TYPED = "input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select, [contenteditable]";
const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  e: () => chosen()?.click(),
  "/": () => document.querySelector("[role=search] input")?.focus(),
};

export function listenToKeys(help) {
  let began = -Infinity;
  document.addEventListener("keydown", (event) => {
    if (isMeantForOthers(event)) return;
    const wasGo = event.timeStamp - began < SOON;
    began = event.key === "g" && !wasGo ? event.timeStamp : -Infinity;
    const act = wasGo ? leads(event.key) : event.key === "?" ? () => explain(help) : KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function isMeantForOthers(event) {
  const pressed = event.ctrlKey || event.altKey || event.metaKey || event.isComposing;
  return pressed || event.target.closest?.(TYPED) || document.querySelector("dialog[open]");
}

function leads(key) {
  const link = [...document.querySelectorAll("[data-go]")].find((each) => each.dataset.go === key);
  return link && (() => link.click());
}

// The focus is what is chosen: it is seen, read aloud, and Enter opens it.
function move(step) {
  const links = [...document.querySelectorAll(".rows tbody tr")].map((row) => row.querySelector("a[href]")).filter(Boolean);
  const next = links.indexOf(chosen()) + step;
  links[Math.min(Math.max(next, 0), links.length - 1)]?.focus();
}

function chosen() {
  return document.activeElement.closest(".rows tbody tr")?.querySelector("a[href]");
}

// The page that explains them, in front of this one; where it cannot be had so, the page itself.
async function explain(help) {
  if (help.href === location.href) return;
  try {
    const answer = await fetch(help.href);
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    open(new DOMParser().parseFromString(await answer.text(), "text/html"), help);
  } catch {
    location.assign(help.href);
  }
}

function open(page, help) {
  if (document.querySelector("dialog[open]")) return;
  const dialog = document.createElement("dialog");
  dialog.className = "shortcuts";
  dialog.setAttribute("aria-labelledby", "shortcuts-heading");
  const heading = document.createElement("h2");
  heading.id = "shortcuts-heading";
  heading.textContent = page.querySelector("h1").textContent;
  const close = document.createElement("button");
  close.type = "button";
  // Else it would be what turns them off.
  close.autofocus = true;
  close.className = "govuk-button govuk-button--secondary";
  close.textContent = help.dataset.close;
  close.addEventListener("click", () => dialog.close());
  dialog.append(heading, page.querySelector("[data-keys]"), close);
  // It gives the focus back to what had it.
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
