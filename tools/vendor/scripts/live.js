// A page that is listened for: <section data-stream="address" data-seen="id"> with [data-when] and [data-pause] in it.
// When the stream says that something has changed, the page is fetched again and its regions, [data-live="name"], are exchanged.
// Nothing is exchanged under the pointer, the focus or a selection, and nothing is asked in the background.
import { localiseTimes } from "./times.js";

// Milliseconds: between two fetches, at the most between two, and until a stream that was refused is asked for again.
const REST = 3000;
const AT_MOST = 60000;
const REFUSED = 30000;
// … and until somebody who is busy may have finished.
const BUSY = 5000;
// A page takes a tenth of the server's time at the most.
const TIMES_ITS_COST = 10;

export function keepUpToDate(bar) {
  const when = bar.querySelector("[data-when]");
  const button = bar.querySelector("[data-pause]");
  let seen = bar.dataset.seen;
  let paused = false;
  let source, again, next;
  let fetched = Date.now();
  let rest = REST;

  function listen() {
    if (source || paused || document.hidden) return;
    source = new EventSource(`${bar.dataset.stream}?after=${encodeURIComponent(seen)}`);
    source.addEventListener("changed", (event) => {
      seen = event.lastEventId;
      soon();
    });
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      stop();
      again = setTimeout(listen, REFUSED);
    });
    soon(AT_MOST);
  }

  function stop() {
    source?.close();
    source = undefined;
    clearTimeout(again);
    clearTimeout(next);
  }

  function soon(pause = 0) {
    clearTimeout(next);
    next = setTimeout(fetchAgain, Math.max(pause, fetched + rest - Date.now(), 0));
  }

  async function fetchAgain() {
    const began = Date.now();
    let kept = false;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.ok && !answer.redirected) kept = exchange(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // No answer is no news.
    }
    fetched = Date.now();
    rest = Math.max(REST, TIMES_ITS_COST * (fetched - began));
    if (!kept) show();
    if (!paused && !document.hidden) soon(kept ? BUSY : AT_MOST);
  }

  function show() {
    when.textContent = paused ? when.dataset.paused : `${when.dataset.updated} ${new Date(fetched).toLocaleTimeString(document.documentElement.lang, { hour12: false })}`;
    button.textContent = paused ? button.dataset.goOn : button.dataset.pause;
    bar.classList.toggle("live--paused", paused);
  }

  button.addEventListener("click", () => {
    paused = !paused;
    if (paused) stop();
    else listen();
    show();
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : listen()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", listen);
  bar.hidden = false;
  show();
  listen();
}

// Whether something had to be kept as it is, because somebody is busy there.
function exchange(fresh) {
  let kept = false;
  for (const region of document.querySelectorAll("[data-live]")) {
    const other = fresh.querySelector(`[data-live="${region.dataset.live}"]`);
    if (!other || isBusy(region)) {
      kept = kept || Boolean(other);
      continue;
    }
    localiseTimes(other);
    region.replaceChildren(...other.childNodes);
  }
  return kept;
}

function isBusy(region) {
  const pointed = matchMedia("(hover: hover)").matches && region.matches(":hover");
  const selection = getSelection();
  return pointed || region.contains(document.activeElement) || (!selection.isCollapsed && selection.containsNode(region, true));
}
