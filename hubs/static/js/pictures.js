// Shows a chosen picture before it is sent. The server decides whether it can be used.
const MOST_BYTES = 1000000;

export function startPictures() {
  for (const field of document.querySelectorAll("[data-picture]")) {
    field.querySelector("input[type=file]").addEventListener("change", (event) => preview(field, event.target.files[0]));
  }
}

function preview(field, file) {
  const picture = field.querySelector("[data-picture-preview]");
  // Reading a file that will be refused anyway could block the page.
  if (!file || file.size > MOST_BYTES) return;
  const reader = new FileReader();
  reader.addEventListener("load", () => {
    picture.src = reader.result;
    picture.hidden = false;
  });
  reader.readAsDataURL(file);
}
