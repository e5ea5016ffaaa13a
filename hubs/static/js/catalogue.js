// Shows the catalogue in a dialog over the editor. Without JavaScript, or if it cannot be loaded, it is a page.
import { startFilter } from "./forms.js";
import { startThumbnails } from "./thumbnails.js";

let dialog = null, endThumbnails = () => {};

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
  // What is typed filters at once: there is nothing to send.
  dialog.addEventListener("submit", (event) => event.preventDefault());
}

export async function openCatalogue(link, leave) {
  try {
    const content = await fetchCatalogue(link.href);
    if (!dialog) createDialog();
    dialog.replaceChildren(content);
    dialog.querySelector("[data-close]").hidden = false;
    for (const card of dialog.querySelectorAll(".catalogue-card")) card.addEventListener("click", leave);
    startFilter(dialog.querySelector("input[data-filter]"));
    dialog.showModal();
    dialog.querySelector("input[data-filter]").focus();
    endThumbnails = startThumbnails(dialog);
  } catch {
    leave();
    window.location.assign(link.href);
  }
}
