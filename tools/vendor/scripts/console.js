// The operators' pages keep themselves up to date while they are in front; every page works without it.
import { keepUpToDate } from "./live.js";

const bar = document.querySelector("[data-stream]");
if (bar && "EventSource" in window) keepUpToDate(bar);
