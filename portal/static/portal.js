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
