// Copy buttons: <button hidden data-copy="id of the value" data-copied="…" data-press="…"> with a role=status beside it.

export function offerCopies() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}

async function copy(button) {
  const value = document.getElementById(button.dataset.copy);
  const copied = (await written(value.textContent)) || selectedAndCopied(value);
  say(button, copied ? button.dataset.copied : button.dataset.press);
}

// The clipboard is missing on plain HTTP and may be refused elsewhere.
async function written(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

// What cannot be copied stays selected, so that the keys still work.
function selectedAndCopied(value) {
  getSelection().selectAllChildren(value);
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  }
}

// Emptied first: a screen reader says the same words again only when they are new.
function say(button, words) {
  const status = button.closest(".copyable").querySelector("[role=status]");
  status.textContent = "";
  setTimeout(() => (status.textContent = words), 50);
}
