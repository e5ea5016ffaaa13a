// Lets visitors dismiss announcements: the browser remembers their numbers, the newest fifty.

const KEY = "hubs.announcements";
const KEPT = 50;

function dismissed() {
  try {
    const numbers = JSON.parse(localStorage.getItem(KEY) || "[]");
    return Array.isArray(numbers) ? numbers : [];
  } catch {
    return [];
  }
}

export function startAnnouncements() {
  for (const button of document.querySelectorAll("[data-dismiss]")) {
    const article = button.closest("[data-announcement]");
    const number = article.dataset.announcement;
    if (dismissed().includes(number)) article.remove();
    delete button.dataset.waiting;
    button.addEventListener("click", () => {
      article.remove();
      try {
        localStorage.setItem(KEY, JSON.stringify([...dismissed(), number].slice(-KEPT)));
      } catch {
        // Without storage it comes back with the next page.
      }
    });
  }
}
