// The entry point. Without JavaScript pages are readable and their forms work.
import { startAges } from "./ages.js";
import { startAnnouncements } from "./announcements.js";
import { startDistant } from "./distant.js";
import { startForms } from "./forms.js";
import { startInbox } from "./inbox.js";
import { load, loadAll } from "./load.js";
import { startNotices } from "./notices.js";
import { offerDefaults } from "./offer.js";
import { startPage } from "./page.js";
import { startPalette } from "./palette.js";
import { prepareLists } from "./reading.js";
import { startRetries } from "./retry.js";
import { startShortcuts } from "./shortcuts.js";
import { startStream } from "./stream.js";
import { startTicker } from "./ticker.js";

startPage();
startPalette();
startShortcuts();
prepareLists(document);
// In a task of its own, since it takes as long as all others.
setTimeout(startAges);
startForms();
startAnnouncements();
startNotices();
startInbox();
loadAll(document);
startRetries(load);
startDistant();
if (document.body.dataset.stream) startStream(document.body.dataset);
const ticker = document.querySelector("[data-ticker]");
if (ticker) startTicker(ticker);
const profile = document.querySelector("[data-offer]");
if (profile) offerDefaults(profile);
if (document.querySelector("[data-picture]")) import("./pictures.js").then((pictures) => pictures.startPictures());
if (document.querySelector("form[data-settings]")) import("./settings.js").then((settings) => settings.startSettings());
if (document.querySelector("[data-pick], [data-mention]")) import("./picker.js").then((pickers) => pickers.startPickers());
const catalogue = document.querySelector("main [data-catalogue]");
if (catalogue) import("./thumbnails.js").then((thumbnails) => thumbnails.startThumbnails(catalogue));
if (document.getElementById("editor")) import("./editor.js").then((editor) => editor.startEditor());
const bookmarks = () => import("./bookmarks.js");
if (document.getElementById("bookmarks")) bookmarks().then((list) => list.startList());
// Load the code for dragging only when the pointer approaches the bar.
document.querySelector("[data-bookmarks]")?.addEventListener(
  "pointerenter",
  () => bookmarks().then((bar) => bar.startBar()),
  { once: true },
);
const streamList = document.querySelector("[data-stream-list]");
if (streamList) import("./streampage.js").then((stream) => stream.startStreamPage(streamList));
