// The one script of the pages. Every page works without it: it guards against double clicks, moves the focus to errors,
// copies and saves values, shows times in the reader's zone, lets whoever goes back find a page, and notices when the state that a page
// waits for has changed.
import { createAll } from "govuk-frontend/dist/govuk/init.mjs";
import { Button } from "govuk-frontend/dist/govuk/components/button/button.mjs";
import { ErrorSummary } from "govuk-frontend/dist/govuk/components/error-summary/error-summary.mjs";
import { NotificationBanner } from "govuk-frontend/dist/govuk/components/notification-banner/notification-banner.mjs";
import { SkipLink } from "govuk-frontend/dist/govuk/components/skip-link/skip-link.mjs";
import { letGoBack } from "./back.js";
import { offerCopies } from "./copy.js";
import { offerDownloads } from "./download.js";
import { follow } from "./follow.js";
import { localiseTimes } from "./times.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
for (const component of [Button, ErrorSummary, NotificationBanner, SkipLink]) createAll(component);
offerCopies();
offerDownloads();
follow();
localiseTimes();
letGoBack();
