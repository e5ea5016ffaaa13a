// Shows the catalogue in a dialog over the editor. Without JavaScript, or if it cannot be loaded, it is a page.
import { startFilter } from "./forms.js";
import { startThumbnails } from "./thumbnails.js";

// `leave` is called before the editor is left.
let dialog = null, leave = () => {}, endThumbnails = () => {};

async function fetchCatalogue(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-catalogue]");
  if (!fresh) throw new Error("no catalogue");
  return document.importNode(fresh, true);
}

function createDialog() {
  dialog = document.createElement("dialog");
  dialog.className = "catalogue-dialog";
  dialog.setAttribute("aria-labelledby", "catalogue-title");
  document.body.append(dialog);
  dialog.addEventListener("close", () => endThumbnails());
  dialog.addEventListener("click", (event) => {
    const group = event.target.closest(".catalogue-groups a");
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
    if (!group) return;
    // The groups scroll inside the dialog, and the address of the page stays.
    event.preventDefault();
    document.getElementById(group.hash.slice(1)).scrollIntoView({ block: "start" });
  });
  dialog.addEventListener("submit", (event) => {
    if (event.target.method === "post") leave();
    // What is typed filters at once, and another zone is shown in place: there is nothing to send.
    else event.preventDefault();
  });
  dialog.addEventListener("change", async ({ target }) => {
    if (!target.matches("[data-zones] select")) return;
    const address = new URL(target.form.action);
    address.search = new URLSearchParams(new FormData(target.form));
    await show(address).catch(() => window.location.assign(address));
    dialog.querySelector("[data-zones] select").focus();
  });
}

// Replaces what the dialog shows by the catalogue at an address.
async function show(address) {
  const content = await fetchCatalogue(address);
  endThumbnails();
  dialog.replaceChildren(content);
  dialog.querySelector("[data-close]").hidden = false;
  for (const link of dialog.querySelectorAll("#catalogue a")) link.addEventListener("click", leave);
  startFilter(dialog.querySelector("input[data-filter]"));
  endThumbnails = startThumbnails(dialog);
}

export async function openCatalogue(link, leaving) {
  leave = leaving;
  try {
    if (!dialog) createDialog();
    await show(link.href);
    dialog.showModal();
    dialog.querySelector("input[data-filter]").focus();
  } catch {
    leave();
    window.location.assign(link.href);
  }
}
