// A page that waits: <div data-follow="address" data-seen="word">. The address answers with a short word, such as the state;
// when the word is another one than the page was made with, the page is fetched again. It asks less and less often, and never in the background.
const FIRST_PAUSE = 700;
const LONGEST_PAUSE = 15000;
const GIVE_UP_AFTER = 15 * 60 * 1000;

export function follow() {
  const waiting = document.querySelector("[data-follow]");
  if (waiting) ask(waiting, FIRST_PAUSE, Date.now() + GIVE_UP_AFTER);
}

function ask(waiting, pause, deadline) {
  if (Date.now() > deadline) return;
  setTimeout(async () => {
    if (!document.hidden && (await word(waiting)) !== waiting.dataset.seen) return location.reload();
    ask(waiting, Math.min(pause * 1.4, LONGEST_PAUSE), deadline);
  }, pause);
}

// A failed answer counts as no news.
async function word(waiting) {
  try {
    const answer = await fetch(waiting.dataset.follow, { headers: { Accept: "text/plain" }, cache: "no-store" });
    return answer.ok ? (await answer.text()).trim() : waiting.dataset.seen;
  } catch {
    return waiting.dataset.seen;
  }
}
