// The operators' pages keep themselves up to date while they are in front, and have keys; every page works without it.
import { keepUpToDate } from "./live.js";
import { listenToKeys } from "./shortcuts.js";

const bar = document.querySelector("[data-stream]");
if (bar && "EventSource" in window) keepUpToDate(bar);
const help = document.querySelector("[data-shortcuts]");
if (help) listenToKeys(help);
