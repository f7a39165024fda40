// Instants in the reader's own time zone and language; without this script they read as UTC.

export function localiseTimes(within = document) {
  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  const format = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" });
  // CLDR has "1 décembre"; French writes "1er décembre".
  const spelt = (part) => (language === "fr" && part.type === "day" && part.value === "1" ? "1er" : part.value);
  for (const time of within.querySelectorAll("time[datetime]")) {
    time.title = time.textContent;
    time.textContent = format.formatToParts(new Date(time.dateTime)).map(spelt).join("");
  }
}
