// A refused form is nothing that a browser could open again: whoever goes back to it meets the browser's own page, which asks whether to
// send the form once more. So its place in the history becomes one that is opened; each such address leads to a page of ours.
// A page that shows a secret stays what it is: there that question keeps a reload from losing the secret.
export function letGoBack() {
  const [opened] = performance.getEntriesByType("navigation");
  if (opened?.responseStatus >= 400 && opened.responseStatus < 500) history.replaceState(null, "", location.href);
}
