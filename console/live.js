// Keeps the numbers of a broadcast's page current. Without it the page has a link that does the same.
(() => {
  "use strict";
  const progress = document.getElementById("progress");
  if (!progress || !window.EventSource) return;
  const lost = document.getElementById("lost");
  const stream = new EventSource(progress.dataset.events);
  stream.addEventListener("progress", (event) => {
    progress.innerHTML = event.data; // made by the server's own template
    lost.hidden = true;
  });
  stream.addEventListener("state", (event) => {
    if (event.data === progress.dataset.state) return;
    // what may be done is different now; a reason that is being written is not thrown away
    const writing = [...document.querySelectorAll("textarea, input[name=typed]")].some((field) => field.value !== field.defaultValue);
    if (writing) return;
    stream.close();
    location.reload();
  });
  stream.addEventListener("end", () => stream.close());
  stream.addEventListener("error", () => {
    lost.hidden = stream.readyState !== EventSource.CLOSED;
  });
})();
