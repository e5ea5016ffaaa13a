// Offers the browser's time zone and language in a profile form that still has the defaults. Nothing is saved by itself.

export function offerDefaults(form) {
  const zone = form.elements.timezone;
  if (zone.value === "" || zone.value === "UTC") {
    zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;
  }
  const language = form.elements.locale;
  const names = [...language.options].map((option) => option.value);
  if (language.value === "") {
    const wanted = navigator.languages.flatMap((tag) => [tag.replace("-", "_"), tag.split("-")[0]]);
    language.value = wanted.find((tag) => names.includes(tag)) || "";
  }
}
