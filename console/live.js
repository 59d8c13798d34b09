// Keeps the numbers of a broadcast's page current. Without it the page has a link that does the same.
(() => {
  "use strict";
  const progress = document.getElementById("progress");
  if (!progress || !window.EventSource) return;
  const lost = document.getElementById("lost");
  const stream = new EventSource(progress.dataset.events);
  // The server says something every two seconds. Where the network or the server is gone the browser tries again for ever and calls that no failure,
  // so that only the silence tells.
  const silence = 15000;
  let timer;
  const heard = () => {
    clearTimeout(timer);
    lost.hidden = true;
    timer = setTimeout(() => {
      lost.hidden = false;
    }, silence);
  };
  heard();
  stream.addEventListener("progress", (event) => {
    progress.innerHTML = event.data; // made by the server's own template
    heard();
  });
  stream.addEventListener("state", (event) => {
    heard();
    if (event.data === progress.dataset.state) return;
    // what may be done is different now; a reason that is being written is not thrown away
    const writing = [...document.querySelectorAll("textarea, input[name=typed]")].some((field) => field.value !== field.defaultValue);
    if (writing) return;
    clearTimeout(timer);
    stream.close();
    location.reload();
  });
  // the page that answers what was pressed must not be lost to a reload: its first effect is another state
  document.addEventListener("submit", () => {
    clearTimeout(timer);
    stream.close();
  });
  stream.addEventListener("end", () => {
    clearTimeout(timer);
    stream.close();
  });
  stream.addEventListener("error", () => {
    if (stream.readyState !== EventSource.CLOSED) return; // it tries again by itself
    clearTimeout(timer);
    lost.hidden = false;
  });
})();
