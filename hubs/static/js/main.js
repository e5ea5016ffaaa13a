// Everything that a page gains from JavaScript; without it the page reads and its forms work.
import { startAges } from "./ages.js";
import { loadAll } from "./load.js";
import { startPage } from "./page.js";
import { startStream } from "./stream.js";

startPage();
startAges();
loadAll(document);
if (document.body.dataset.stream) startStream(document.body.dataset);
