// What pages do beyond htmx. All of them work without it.

// A list does not renew itself under somebody who is choosing rows in it or writing in one of its forms.
document.addEventListener("htmx:before:request", (event) => {
  const source = event.detail.ctx.sourceElement;
  if (!source.matches("[data-live]")) return;
  if (document.hidden || source.querySelector("tbody input:checked") || source.contains(document.activeElement?.closest("form, details[open]"))) {
    event.preventDefault();
  }
});

document.addEventListener("click", (event) => {
  const copy = event.target.closest("button[data-copy]");
  if (copy) {
    const field = document.getElementById(copy.dataset.copy);
    field.select();
    navigator.clipboard?.writeText(field.value).catch(() => document.execCommand("copy"));
    copy.textContent = "Copied";
  }
});

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.matches("input[data-all]")) {
    for (const row of box.form?.elements ?? []) if (row.name === box.dataset.all) row.checked = box.checked;
  }
  if (box.matches("[data-submit]")) box.form.requestSubmit();
  const chosen = box.form?.querySelector("[data-chosen]");
  if (chosen) chosen.textContent = box.form.querySelectorAll(`tbody input[name=${chosen.dataset.chosen}]:checked`).length + " chosen";
});

// Enter in a row's box does not send the form around the list.
document.addEventListener("keypress", (event) => {
  if (event.key === "Enter" && event.target.matches("table input[type=checkbox]")) event.preventDefault();
});

// A form is sent once, however often its button is clicked. Who leaves others in which something has changed is asked first.
let sent, sentAt;
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (sent === event.target && event.timeStamp - sentAt < 5000) event.preventDefault();
  else [sent, sentAt] = [event.target, event.timeStamp];
});
window.addEventListener("pageshow", () => (sent = undefined));
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.matches("[data-unsaved]")) form.dataset.unsaved = "yes";
});
window.addEventListener("beforeunload", (event) => {
  if ([...document.querySelectorAll("form[data-unsaved=yes]")].some((form) => form !== sent)) event.preventDefault();
});
