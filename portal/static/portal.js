// What pages do beyond htmx. All of them work without it.

// A list does not renew itself under somebody who is choosing rows in it or writing in one of its forms.
document.addEventListener("htmx:before:request", (event) => {
  const source = event.detail.ctx.sourceElement;
  if (!source.matches("[data-live]")) return;
  if (document.hidden || source.querySelector("tbody input:checked") || source.contains(document.activeElement?.closest("form, details[open]"))) {
    event.preventDefault();
  }
});

// What one searches for stands in the address, without the fields that are left blank.
document.addEventListener("htmx:config:request", (event) => {
  const { sourceElement, request } = event.detail.ctx;
  if (!sourceElement.matches("form")) return;
  for (const [name, value] of [...request.body]) if (value === "") request.body.delete(name);
});

// A page says when the server no longer answers it, until it does. One that may not be seen any more makes way for the reason.
const answers = (yes) => {
  const silence = document.getElementById("silence");
  if (silence) silence.hidden = yes;
  document.body.classList.toggle("stale", !yes);
};
document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx && !event.detail.ctx.response) answers(false);
});
document.addEventListener("htmx:after:request", (event) => {
  const { response, sourceElement } = event.detail.ctx;
  answers(response.status < 500);
  if (response.status >= 400 && response.status < 500 && sourceElement.matches("[data-live]")) location.reload();
});

// Rows that arrive above those in view do not push them away.
let inView;
document.addEventListener("htmx:before:swap", (event) => {
  const rows = [...(event.target.matches?.("[data-live]") ? event.target.querySelectorAll("tbody tr[id]") : [])];
  const first = rows.findIndex((row) => row.getBoundingClientRect().top >= 0);
  inView = first > 0 ? { id: rows[first].id, top: rows[first].getBoundingClientRect().top } : undefined;
});
document.addEventListener("htmx:after:swap", () => {
  const row = inView && document.getElementById(inView.id);
  if (row) scrollBy(0, row.getBoundingClientRect().top - inView.top);
  inView = undefined;
});

// The tab that is shown is in view, where not all of them are.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  const { parentElement: tabs, offsetLeft, offsetWidth } = tab;
  tabs.scrollLeft = offsetLeft - tabs.offsetLeft - (tabs.clientWidth - offsetWidth) / 2;
}

document.addEventListener("click", (event) => {
  const copy = event.target.closest("button[data-copy]");
  if (copy) {
    const field = document.getElementById(copy.dataset.copy);
    field.select();
    navigator.clipboard?.writeText(field.value).catch(() => document.execCommand("copy"));
    copy.textContent = "Copied";
  }
});

// How many rows are chosen is said beside what can be done with them, whether a box was ticked or the rows are others.
const tally = (form) => {
  const chosen = form?.querySelector("[data-chosen]");
  if (!chosen) return;
  const boxes = [...form.querySelectorAll(`tbody input[name=${chosen.dataset.chosen}]`)];
  const count = boxes.filter((box) => box.checked).length;
  chosen.textContent = count + " chosen";
  const all = form.querySelector("input[data-all]");
  if (all) all.checked = count > 0 && count === boxes.length;
};
document.addEventListener("htmx:after:swap", () => document.querySelectorAll("form:has([data-chosen])").forEach(tally));

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.matches("input[data-all]")) {
    for (const row of box.form?.elements ?? []) if (row.name === box.dataset.all) row.checked = box.checked;
  }
  if (box.matches("[data-submit]")) box.form.requestSubmit();
  tally(box.form);
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
